import math

import pytest
import torch
from mambapy.mamba import MambaBlock, MambaConfig
from torch.nn.functional import softplus

from bdgf.nn.mamba import BidirectionalMamba, Mamba

WIDTH = 10


def sequence(batch=3, length=21, width=WIDTH, seed=0):
    return torch.randn(batch, length, width, generator=torch.Generator().manual_seed(seed))


def output_and_gradients(module, x):
    x = x.clone().requires_grad_()
    y = module(x)
    y.backward(torch.cos(torch.arange(y.numel(), dtype=torch.float64)).view(y.shape).to(y))
    gradients = {name: p.grad for name, p in module.named_parameters()}
    return y.detach(), x.grad, gradients


def assert_close(result, expected, tolerance=1e-5):
    scale = expected.abs().max().clamp(min=1e-12)
    assert ((result - expected).abs().max() / scale).item() < tolerance


@pytest.mark.parametrize("backend", ["reference", "cpu", "auto"])
@pytest.mark.parametrize("width", [WIDTH, 33])
def test_equals_an_independent_mamba_with_the_same_weights(backend, width) -> None:
    torch.manual_seed(0)
    independent = MambaBlock(MambaConfig(d_model=width, n_layers=1, d_state=5, d_conv=3))
    block = Mamba(width, d_state=5, d_conv=3, backend=backend)
    block.load_state_dict(independent.state_dict())
    x = sequence(width=width)
    y, x_grad, gradients = output_and_gradients(block, x)
    expected, expected_x_grad, expected_gradients = output_and_gradients(independent, x)
    assert_close(y, expected)
    assert_close(x_grad, expected_x_grad)
    for name, gradient in expected_gradients.items():
        assert_close(gradients[name], gradient)


def test_parameters_are_those_of_mamba_ssm() -> None:
    shapes = {name: tuple(p.shape) for name, p in Mamba(64).state_dict().items()}
    assert shapes == {
        "A_log": (128, 16),
        "D": (128,),
        "in_proj.weight": (256, 64),
        "conv1d.weight": (128, 1, 4),
        "conv1d.bias": (128,),
        "x_proj.weight": (36, 128),
        "dt_proj.weight": (128, 4),
        "dt_proj.bias": (128,),
        "out_proj.weight": (64, 128),
    }


def test_second_direction_has_the_names_of_vision_mamba() -> None:
    own = set(BidirectionalMamba(16).state_dict()) - set(Mamba(16).state_dict())
    assert own == {
        "A_b_log",
        "D_b",
        "conv1d_b.weight",
        "conv1d_b.bias",
        "x_proj_b.weight",
        "dt_proj_b.weight",
        "dt_proj_b.bias",
    }


def test_initial_step_sizes_and_rates() -> None:
    torch.manual_seed(0)
    block = Mamba(64, dt_min=0.01, dt_max=0.2)
    steps = softplus(block.dt_proj.bias)
    assert steps.min() >= 0.01 * (1 - 1e-4)
    assert steps.max() <= 0.2 * (1 + 1e-4)
    middle = math.sqrt(0.01 * 0.2)
    assert 0.3 < (steps < middle).float().mean() < 0.7
    rates = torch.arange(1.0, 17).expand(128, 16)
    assert torch.allclose(block.A_log.exp(), rates)
    assert torch.equal(block.D, torch.ones(128))
    assert block.dt_proj.weight.abs().max() <= 4**-0.5
    assert block.A_log._no_weight_decay
    assert block.D._no_weight_decay


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_step_depends_on_no_later_one(backend) -> None:
    block = Mamba(WIDTH, backend=backend)
    x = sequence()
    changed = x.clone()
    changed[:, 8] += 1
    before, after = block(x), block(changed)
    assert torch.equal(before[:, :8], after[:, :8])
    assert (before[:, 8:] != after[:, 8:]).any(dim=-1).all()


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_in_both_directions_every_step_depends_on_every_other(backend) -> None:
    torch.manual_seed(1)
    block = BidirectionalMamba(WIDTH, backend=backend)
    x = sequence()
    changed = x.clone()
    changed[:, 8] += 1
    assert (block(x) != block(changed)).any(dim=-1).all()


def test_both_directions_equal_two_blocks_one_on_the_flipped_sequence() -> None:
    torch.manual_seed(2)
    block = BidirectionalMamba(WIDTH, backend="cpu")
    onward, back = Mamba(WIDTH, backend="reference"), Mamba(WIDTH, backend="reference")
    state = block.state_dict()
    shared = {name: state[name] for name in ("in_proj.weight",)}
    identity = {"out_proj.weight": torch.zeros(WIDTH, 2 * WIDTH)}
    names = ("conv1d.weight", "conv1d.bias", "x_proj.weight", "dt_proj.weight", "dt_proj.bias")
    weights = {name: state[name] for name in (*names, "A_log", "D")}
    weights_b = {name: state[name.replace(".", "_b.")] for name in names}
    weights_b |= {"A_log": state["A_b_log"], "D": state["D_b"]}
    onward.load_state_dict(weights | shared | identity)
    back.load_state_dict(weights_b | shared | identity)
    onward.out_proj = back.out_proj = torch.nn.Identity()
    x = sequence()
    both = onward(x) + back(x.flip(1)).flip(1)
    assert_close(block(x), block.out_proj(both))


def test_both_directions_train_every_parameter() -> None:
    block = BidirectionalMamba(WIDTH, expand=1, bias=True, conv_bias=False)
    y, x_grad, gradients = output_and_gradients(block, sequence())
    assert y.shape == x_grad.shape == (3, 21, WIDTH)
    assert all(gradient.abs().sum() > 0 for gradient in gradients.values())


def test_same_bits_on_every_run() -> None:
    torch.manual_seed(0)
    block = BidirectionalMamba(WIDTH, backend="cpu")
    x = sequence(70, 49)
    first = output_and_gradients(block, x)
    block.zero_grad()
    second = output_and_gradients(block, x)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert all(torch.equal(first[2][name], second[2][name]) for name in first[2])


def test_bfloat16_autocast() -> None:
    torch.manual_seed(0)
    block = BidirectionalMamba(WIDTH, backend="cpu")
    x = sequence()
    with torch.autocast("cpu", torch.bfloat16):
        y, x_grad, _ = output_and_gradients(block, x)
    expected, expected_x_grad, _ = output_and_gradients(block, x)
    assert_close(y, expected, tolerance=3e-2)
    assert_close(x_grad, expected_x_grad, tolerance=5e-2)
