"""The classical branch of a benchmark's trainings: fitted once, and the plain way is back after."""

from types import SimpleNamespace

import torch
from benchmarks.training import classical_branch_fitted_once
from torch import nn

from bdgf.models.bdgf.classifier import Classifier


def test_later_trainings_take_over_the_first_fit(monkeypatch):
    fits = []

    def fit(self, *given):
        fits.append(given)
        nn.init.constant_(self.classical.weight, len(fits))
        return f"fit {len(fits)}"

    monkeypatch.setattr(Classifier, "fit_before_training", fit)
    first, later = (SimpleNamespace(classical=nn.Linear(2, 3)) for _ in range(2))
    with classical_branch_fitted_once():
        assert Classifier.fit_before_training(first, "scene", 0) == "fit 1"
        assert Classifier.fit_before_training(later, "scene", 0) == "fit 1"
    assert fits == [("scene", 0)]
    assert torch.equal(later.classical.weight, torch.ones(3, 2))
    assert later.classical is not first.classical
    assert Classifier.fit_before_training(later, "scene", 1) == "fit 2"
