"""What the measures of imbalance take in, and what they leave out."""

import math

import pytest
import torch

from bdgf.diffusion.masking.masking import Masking
from bdgf.diffusion.masking.settings import MaskingSettings
from bdgf.diffusion.masking.signals import Observation
from tests.diffusion.masking.small_masking import CPU, observed, shares_observed


def test_a_modality_that_was_not_seen_keeps_its_average():
    masking = observed(Masking(2, MaskingSettings(strategy="adaptive"), CPU), [0.2, 0.6])
    before = masking.rates()
    assert torch.equal(observed(masking, [math.nan, math.nan]).rates(), before)


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
