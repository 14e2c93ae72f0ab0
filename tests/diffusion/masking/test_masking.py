"""Which modalities of which positions are hidden."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.diffusion.masking.masking import Masking, draw_visibility
from bdgf.diffusion.masking.rules import RULES
from bdgf.diffusion.masking.settings import MaskingSettings
from bdgf.diffusion.masking.signals import SIGNALS, Observation
from tests.diffusion.masking.small_masking import CPU, observed, shares_observed

STRATEGIES = ["none", "fixed", "adaptive"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@given(rates=st.lists(st.floats(0, 0.999), min_size=2, max_size=5), seed=st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_never_all_modalities_of_a_position_are_hidden(rates, seed):
    visible = draw_visibility(torch.tensor(rates), (8, 3, 2), generator(seed))
    assert visible.shape == (8, len(rates), 3, 2)
    assert set(visible.unique().tolist()) <= {0.0, 1.0}
    assert (visible.sum(dim=1) >= 1).all()


def test_adaptive_rates_grow_where_learning_is_ahead():
    masking = Masking(3, MaskingSettings(strategy="adaptive"), CPU)
    first = masking.rates()
    assert first.tolist() == pytest.approx([0.05] * 3)
    later = observed(masking, [0.1, 0.8, 0.8]).rates()
    assert later[0] > 0.4
    assert later[1:].tolist() == pytest.approx([0.05] * 2)


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


def test_only_the_strategy_that_follows_the_features_has_them_measured():
    def steps(**chosen):
        masking = Masking(2, MaskingSettings(probe={"every": 3}, **chosen), CPU)
        return [step for step in range(7) if masking.wants_features(step)]

    assert steps(strategy="adaptive", signal="modality_sensitivity") == [0, 3, 6]
    assert steps(strategy="adaptive", signal="explained_noise") == []
    assert steps(strategy="fixed", signal="modality_sensitivity") == []


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
    chosen = MaskingSettings(strategy="adaptive", signal=signal, rule=rule)
    masking = observed(Masking(2, chosen, CPU), [0.2, 0.7], times=3)
    shares_observed(masking, [0.3, 0.7], times=3)
    restored = Masking(2, chosen, CPU)
    restored.load_state_dict(masking.state_dict())
    assert torch.equal(restored.rates(), masking.rates())
    assert torch.equal(restored.draw(5, 8, generator(1)), masking.draw(5, 8, generator(1)))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_single_modality_is_never_hidden_which_is_said_once(strategy, signal, caplog):
    caplog.set_level("INFO")
    masking = Masking(1, MaskingSettings(strategy=strategy, signal=signal), CPU)
    for step in range(40):
        masking.observe(Observation(torch.tensor([0.1]), torch.tensor([1.0])))
        assert not masking.wants_features(step)
    assert masking.rates().tolist() == [0.0]
    assert (masking.draw(50, 8, generator()) == 1).all()
    said = [r for r in caplog.records if "one modality" in r.getMessage()]
    assert len(said) == (strategy != "none")
