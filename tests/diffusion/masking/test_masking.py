import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bdgf.diffusion.masking.masking import Masking, draw_visibility
from bdgf.diffusion.masking.rules import RULES, moved_visibility, ratio_rates
from bdgf.diffusion.masking.settings import MaskingSettings
from bdgf.diffusion.masking.signals import SIGNALS, Observation

CPU = torch.device("cpu")
STRATEGIES = ["none", "fixed", "adaptive"]
shares = st.lists(st.floats(0, 1, width=32), min_size=2, max_size=5)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def observed(masking, losses, times=200):
    for _ in range(times):
        masking.observe(Observation(torch.tensor(losses)))
    return masking


@given(rates=st.lists(st.floats(0, 0.999), min_size=2, max_size=5), seed=st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_never_all_modalities_of_a_position_are_hidden(rates, seed):
    visible = draw_visibility(torch.tensor(rates), (8, 3, 2), generator(seed))
    assert visible.shape == (8, len(rates), 3, 2)
    assert set(visible.unique().tolist()) <= {0.0, 1.0}
    assert (visible.sum(dim=1) >= 1).all()


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


def test_adaptive_rates_grow_where_learning_is_ahead():
    masking = Masking(3, MaskingSettings(strategy="adaptive"), CPU)
    first = masking.rates()
    assert first.tolist() == pytest.approx([0.05] * 3)
    later = observed(masking, [0.1, 0.8, 0.8]).rates()
    assert later[0] > 0.4
    assert later[1:].tolist() == pytest.approx([0.05] * 2)


def test_a_modality_that_was_not_seen_keeps_its_average():
    masking = observed(Masking(2, MaskingSettings(), CPU), [0.2, 0.6])
    before = masking.rates()
    assert torch.equal(observed(masking, [math.nan, math.nan]).rates(), before)


@pytest.mark.parametrize("granularity", ["tile", "block"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_draws_planes(strategy, granularity):
    chosen = MaskingSettings(strategy=strategy, granularity=granularity, block=6)
    masking = observed(Masking(3, chosen, CPU), [0.1, 0.5, 0.9])
    visible = masking.draw(200, 16, generator())
    assert visible.shape == (200, 3, 16, 16)
    hidden = 1 - visible.mean(dim=(0, 2, 3))
    if strategy == "none":
        assert hidden.tolist() == [0, 0, 0]
    else:
        assert hidden.tolist() == pytest.approx(masking.rates().tolist(), abs=0.1)
    side = 16 if granularity == "tile" else 6
    for top in range(0, 16, side):
        cell = visible[:, :, top : top + side, :side]
        assert torch.equal(cell, cell[:, :, :1, :1].expand_as(cell))


def test_blocks_of_a_tile_differ():
    chosen = MaskingSettings(strategy="fixed", rate=0.5, granularity="block", block=8)
    visible = Masking(2, chosen, CPU).draw(20, 32, generator())
    assert (visible.mean(dim=(2, 3)) % 1 > 0).any()


def shares_observed(masking, shares, times=200):
    for _ in range(times):
        masking.observe(Observation(torch.full((len(shares),), math.nan), torch.tensor(shares)))
    return masking


def test_rates_follow_the_shares_of_the_features_and_not_the_losses():
    chosen = MaskingSettings(strategy="adaptive", signal="modality_sensitivity")
    masking = Masking(3, chosen, CPU)
    assert masking.rates().tolist() == pytest.approx([0.05] * 3, abs=1e-6)
    before = masking.rates()
    observed(masking, [0.1, 0.8, 0.8])  # a step that does not measure features changes nothing
    assert torch.equal(masking.rates(), before)
    rates = shares_observed(masking, [0.1, 0.2, 0.7]).rates()
    assert rates[2] > 0.4
    assert rates[:2].tolist() == pytest.approx([0.05] * 2)


def test_only_the_strategy_that_follows_the_features_has_them_measured():
    def steps(**chosen):
        masking = Masking(2, MaskingSettings(probe={"every": 3}, **chosen), CPU)
        return [step for step in range(7) if masking.wants_features(step)]

    assert steps(strategy="adaptive", signal="modality_sensitivity") == [0, 3, 6]
    assert steps(strategy="adaptive", signal="explained_noise") == []
    assert steps(strategy="fixed", signal="modality_sensitivity") == []


def test_the_average_of_the_shares_decays_by_steps_not_by_measurements():
    def after(every):
        chosen = MaskingSettings(
            strategy="adaptive", signal="modality_sensitivity", decay=0.9, probe={"every": every}
        )
        masking = Masking(2, chosen, CPU)
        for step in range(12):
            shares = torch.tensor([1.0, 0.0]) if masking.wants_features(step) else None
            masking.observe(Observation(torch.ones(2), shares))
        return masking.state_dict()["signal"]["average"]

    assert torch.allclose(after(1), after(4))


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


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("signal", SIGNALS)
def test_every_rule_hides_what_dominates_by_every_signal(signal, rule):
    masking = Masking(3, MaskingSettings(strategy="adaptive", signal=signal, rule=rule), CPU)
    for _ in range(200):
        masking.observe(Observation(torch.tensor([0.9, 0.9, 0.1]), torch.tensor([0.1, 0.1, 0.8])))
    rates = masking.rates()
    assert rates[2] > 0.4
    assert rates[:2].tolist() == pytest.approx([0.05] * 2, abs=1e-6)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_restored_masking_goes_on_alike(signal, rule):
    chosen = MaskingSettings(signal=signal, rule=rule)
    masking = observed(Masking(2, chosen, CPU), [0.2, 0.7], times=3)
    shares_observed(masking, [0.3, 0.7], times=3)
    restored = Masking(2, chosen, CPU)
    restored.load_state_dict(masking.state_dict())
    assert torch.equal(restored.rates(), masking.rates())
    assert torch.equal(restored.draw(5, 8, generator(1)), masking.draw(5, 8, generator(1)))


def test_rates_that_would_hide_everything_are_refused():
    with pytest.raises(ValidationError, match="p_min \\+ p_max must stay under 1"):
        MaskingSettings(p_min=0.5, p_max=0.6)
