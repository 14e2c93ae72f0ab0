"""Means between two records."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.training.interval_means import IntervalMeans


def add(means, **values):
    means.add({name: torch.tensor(float(value)) for name, value in values.items()})


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.floats(-100, 100, width=32) | st.sampled_from([math.nan, math.inf, -math.inf]),
        min_size=1,
        max_size=20,
    )
)
def test_what_was_not_measured_does_not_count(values):
    means, measured = IntervalMeans(), [value for value in values if math.isfinite(value)]
    for value in values:
        add(means, loss=1, seen=value)
    found = means.take()
    assert found["loss"] == 1
    if measured:
        assert found["seen"] == pytest.approx(sum(measured) / len(measured), abs=1e-3)
    else:
        assert "seen" not in found


def test_each_interval_starts_over():
    means = IntervalMeans()
    add(means, loss=1)
    add(means, loss=3)
    assert means.take() == {"loss": 2}
    add(means, loss=7)
    assert means.take() == {"loss": 7}
    assert means.take() == IntervalMeans().take() == {}


def test_an_interval_goes_on_after_a_restart():
    stopped, restarted = IntervalMeans(), IntervalMeans()
    add(stopped, loss=1, seen=math.nan)
    restarted.load_state_dict(stopped.state_dict())
    add(restarted, loss=5, seen=4)
    assert restarted.take() == {"loss": 3, "seen": 4}


def test_a_restart_before_the_first_step_is_a_start():
    restarted = IntervalMeans()
    restarted.load_state_dict(IntervalMeans().state_dict())
    add(restarted, loss=5)
    assert restarted.take() == {"loss": 5}


def test_no_graph_is_kept():
    means, value = IntervalMeans(), torch.ones((), requires_grad=True)
    means.add({"loss": value * 2})
    assert not means.state_dict()["sum"].requires_grad
