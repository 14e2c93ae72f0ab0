from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bdgf.nn.mamba import Mamba
from bdgf.training.optimizer import (
    ExponentialAverage,
    OptimizationSettings,
    learning_rate_at,
    make_optimizer,
)


@given(steps=st.integers(1, 500), warmup=st.integers(0, 600))
def test_the_rate_warms_up_and_decays(steps, warmup):
    chosen = OptimizationSettings(learning_rate=0.1, warmup_steps=warmup, final_rate=0.02)
    rates = [learning_rate_at(step, steps, chosen) for step in range(steps)]
    top = min(warmup, steps - 1)
    assert rates[top] == max(rates) == pytest.approx(0.1)
    assert all(a < b for a, b in pairwise(rates[: top + 1]))
    assert all(a > b for a, b in pairwise(rates[top:]))
    assert min(rates) > 0


def test_vectors_are_not_decayed():
    layer = torch.nn.Linear(3, 2)
    optimizer = make_optimizer(layer, OptimizationSettings(weight_decay=0.5))
    assert [g["weight_decay"] for g in optimizer.param_groups] == [0.5, 0.0]
    assert optimizer.param_groups[1]["params"][0] is layer.bias
    assert optimizer.defaults["fused"]


def test_what_is_marked_is_not_decayed():
    block = Mamba(8, d_state=2)
    matrices, rest = make_optimizer(block, OptimizationSettings()).param_groups
    assert any(p is block.A_log for p in rest["params"])
    assert any(p is block.in_proj.weight for p in matrices["params"])
    assert len(matrices["params"]) + len(rest["params"]) == len(list(block.parameters()))


def test_the_average_follows_the_weights():
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)
    average = ExponentialAverage(layer, decay=0.9)
    expected = 0.0
    for step in range(200):
        torch.nn.init.constant_(layer.weight, step)
        average.update(layer, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert average.tensors["weight"].item() == pytest.approx(expected, rel=1e-5)


def test_counters_are_copied_not_averaged():
    layer = torch.nn.BatchNorm1d(2)
    average = ExponentialAverage(layer, decay=0.9)
    layer(torch.randn(4, 2))
    average.update(layer, 0)
    assert average.tensors["num_batches_tracked"] == 1
