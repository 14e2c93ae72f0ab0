"""Parts of a batch side by side give what the whole batch gives, and its gradients."""

import pytest
import torch
from torch import nn

from bdgf.models.bdgf.classical.branch import ClassicalSettings
from bdgf.models.patch.side_by_side import joined, side_by_side
from bdgf.nn.dropout import Dropout
from bdgf.training.lanes import open_lanes
from tests.models.patch.small_training import make_settings

CPU = torch.device("cpu")


def small_network() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(5, 8), nn.GELU(), Dropout(0.2), nn.Linear(8, 3)).double()
    layers.unused = nn.Parameter(torch.zeros(2))
    return layers


def gradients(network: nn.Module, x: torch.Tensor, lanes) -> list[torch.Tensor | None]:
    network.zero_grad()
    third = len(x) // 3
    tasks = [
        lambda: [network(x[:third]), x[:third]],
        lambda: [network(x[third:]), x[third:]],
        lambda: [x.sum()[None]],  # nothing of it is trained
    ]
    *parts, (total,) = side_by_side(tasks, network, lanes)
    out, fixed = joined(parts)
    assert torch.equal(fixed, x)
    assert torch.equal(total, x.sum()[None])
    assert out.requires_grad
    assert not fixed.requires_grad
    # As the relational similarity does: every sample with every other.
    (out @ out.T).square().mean().backward()
    return [p.grad for p in network.parameters()]


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("samples", [32, 37, 50])
def test_gradients_are_those_of_the_whole_batch(samples: int):
    network, x = small_network().eval(), torch.randn(samples, 5).double()
    out = network(x)
    (out @ out.T).square().mean().backward()
    whole = [p.grad for p in network.parameters()]
    with open_lanes(CPU) as lanes:
        for got, wanted in zip(gradients(network, x, lanes), whole, strict=True):
            assert (got is None) == (wanted is None)  # a weight that nothing reads has none
            if wanted is not None:
                torch.testing.assert_close(got, wanted)


@pytest.mark.usefixtures("two_threads")
def test_dropout_is_drawn_from_the_seed_and_differs_between_tasks():
    network, row = small_network(), torch.randn(1, 5).double()
    x = row.expand(32, 5).contiguous()

    def once(seed: int, lanes) -> list[torch.Tensor]:
        torch.manual_seed(seed)
        return [out for (out,) in side_by_side([lambda: [network(x)]] * 2, network, lanes)]

    with open_lanes(CPU) as lanes:
        first, second = once(1, lanes)
        assert not torch.equal(first, second)
        for _ in range(5):
            again = once(1, lanes)
            assert torch.equal(first, again[0])
            assert torch.equal(second, again[1])
        assert not torch.equal(first, once(2, lanes)[0])


def test_what_calls_itself_separable_is():
    from bdgf.models.bdgf.model import guided_classifier
    from tests.models.patch.small_training import ARRAYS, CLASSES

    settings = make_settings().classifier
    for chosen in (
        settings,
        settings.model_copy(update={"classical": ClassicalSettings(use=False)}),
    ):
        network = guided_classifier(chosen)(ARRAYS, CLASSES)
        assert network.separable
        assert not any(
            isinstance(layer, nn.modules.batchnorm._BatchNorm | nn.modules.dropout._DropoutNd)
            for layer in network.modules()
        )
