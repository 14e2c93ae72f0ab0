"""How rates answer to imbalance, by each rule's formula."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.diffusion.masking.rules import moved_visibility, ratio_rates
from bdgf.diffusion.masking.settings import MaskingSettings

shares = st.lists(st.floats(0, 1, width=32), min_size=2, max_size=5)


@given(imbalance=shares, alpha=st.floats(0.1, 5))
@settings(max_examples=50, deadline=None)
def test_rates_follow_the_formula(imbalance, alpha):
    chosen = MaskingSettings(alpha=alpha, p_min=0.1, p_max=0.6, floor=0.05)
    rates = ratio_rates(torch.tensor(imbalance), chosen)
    for m, rate in enumerate(rates.tolist()):
        others = [e for i, e in enumerate(imbalance) if i != m]
        rho = imbalance[m] / max(sum(others) / len(others), 0.05)
        assert rate == pytest.approx(0.6 * math.tanh(alpha * max(rho - 1, 0)) + 0.1, abs=1e-4)


@given(imbalance=shares)
@settings(max_examples=30, deadline=None)
def test_the_best_learnt_modality_is_hidden_most(imbalance):
    rates = ratio_rates(torch.tensor(imbalance), MaskingSettings())
    assert rates[torch.tensor(imbalance).argmax()] == rates.max()
    assert rates.min() >= MaskingSettings().p_min


@given(
    imbalance=shares,
    start=st.lists(st.floats(0.2, 0.9), min_size=5, max_size=5),
    steps=st.integers(1, 50),
)
@settings(max_examples=50, deadline=None)
def test_equalised_rates_move_against_the_shares_within_bounds(imbalance, start, steps):
    chosen = MaskingSettings(p_min=0.1, p_max=0.7)
    before = torch.tensor(start[: len(imbalance)])
    after = moved_visibility(before, torch.tensor(imbalance), steps, chosen)
    assert (after >= 0.2 - 1e-6).all()
    assert (after <= 0.9 + 1e-6).all()
    mean = sum(imbalance) / len(imbalance)
    for m, share in enumerate(imbalance):
        if mean > 0.05 and share > mean + 1e-3:  # under the floor nothing is learnt yet
            assert after[m] <= before[m] + 1e-6
        elif mean > 0.05 and share < mean - 1e-3:
            assert after[m] >= before[m] - 1e-6


def test_equalised_rates_rest_where_shares_are_equal():
    visible = torch.tensor([0.3, 0.9, 0.5])
    moved = moved_visibility(visible, torch.tensor([0.2, 0.2, 0.2]), 20, MaskingSettings(p_max=0.9))
    assert torch.allclose(moved, visible)
