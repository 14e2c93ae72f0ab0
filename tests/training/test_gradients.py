"""Norms, clipping and the optimiser's step are PyTorch's own, bit for bit, where all is finite."""

import pytest
import torch
from torch import nn

from bdgf.training.gradients import Gradients, running_statistics
from bdgf.training.optimizer import OptimizationSettings, make_optimizer

SETTINGS = OptimizationSettings(learning_rate=0.05)


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 70), nn.ReLU(), nn.Linear(70, 2), nn.Linear(5, 5))


def backward(network, scale=1.0):
    torch.manual_seed(1)
    (network[:3](torch.randn(8, 3)).square().sum() * scale).backward()


@pytest.mark.parametrize("scale", [1e-4, 1.0])  # below the norm that is clipped, and above
def test_a_finite_step_is_that_of_pytorchs_clipping_and_adamw(scale):
    ours, plain = model(), model()
    gradients = Gradients(ours, make_optimizer(ours, SETTINGS))
    optimizer = make_optimizer(plain, SETTINGS)
    for _ in range(3):
        backward(ours, scale)
        backward(plain, scale)
        _, norm = gradients.norms()
        gradients.step(0.05, norm, 1.0, torch.zeros(()))
        in_order = [p for group in optimizer.param_groups for p in group["params"]]
        assert torch.equal(norm, nn.utils.clip_grad_norm_(in_order, 1.0))
        optimizer.step()
        optimizer.zero_grad()
        for one, other in zip(ours.parameters(), plain.parameters(), strict=True):
            assert torch.equal(one, other)


def test_names_stand_by_the_norms_of_what_has_a_gradient():
    network = model()
    gradients = Gradients(network, make_optimizer(network, SETTINGS))
    backward(network)
    norms, _ = gradients.norms()
    assert list(gradients.names) == ["0.weight", "2.weight", "0.bias", "2.bias"]
    assert norms[1] == torch.linalg.vector_norm(network[2].weight.grad)
    names = gradients.names
    gradients.norms()
    assert gradients.names is names


def test_norms_of_half_precision_are_float32():
    network = nn.Linear(300, 300).bfloat16()
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 0.1)
    norms, norm = Gradients(network, torch.optim.SGD(network.parameters())).norms()
    assert norms.dtype == norm.dtype == torch.float32
    assert norms[0].item() == pytest.approx(float(torch.tensor(0.1).bfloat16()) * 300, rel=1e-4)


def test_running_statistics_are_those_of_batch_norms():
    found = running_statistics(nn.Sequential(nn.BatchNorm2d(3), nn.GroupNorm(1, 3)))
    assert [tuple(tensor.shape) for tensor in found] == [(3,), (3,)]
    assert running_statistics(nn.BatchNorm2d(3, track_running_stats=False)) == []
