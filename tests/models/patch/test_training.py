"""One training: its curves, its precision, what of it is fitted beforehand."""

import pytest
import torch

from bdgf.models.bdgf.classical.branch import ClassicalSettings
from bdgf.models.patch.selection import SelectionSettings
from bdgf.training.metric_logger import MemoryLogger
from tests.models.patch.small_training import SPLIT, fit, make_settings
from tests.training.half_precision import MIXED, HalfReductions


def test_it_logs_terms_branches_and_validation():
    logger = MemoryLogger()
    fit(logger=logger)
    wanted = {
        *(f"train/loss{term}" for term in ("", "_cnn", "_mamba", "_transformer")),
        "train/loss_entropy",
        "train/loss_similarity",
        "train/loss_consistency",
        "validation/loss",
        "validation/overall_accuracy",
        "validation/average_accuracy",
        "validation/overall_accuracy_cnn",
    }
    assert wanted <= set(logger.names())


@pytest.mark.slow
def test_the_classical_branch_is_fitted_once_and_kept():
    weights = fit()
    assert weights.tensors["classical.linear.weight"].abs().sum() > 0
    assert {m["c"] for m in weights.config["fitted"]["classical"]["experts"]} <= {0.1, None}
    # Neither steps nor averages move it, and pixels without labels have no part in it.
    alike = make_settings(epochs=4, selection=SelectionSettings(rule="last"))
    longer = fit(alike, split=SPLIT)
    assert torch.equal(
        weights.tensors["classical.linear.weight"], longer.tensors["classical.linear.weight"]
    )
    nodes = weights.tensors["classical.forest.threshold"]
    assert len(nodes) > 1
    assert torch.equal(nodes, longer.tensors["classical.forest.threshold"])
    off = {"classical": ClassicalSettings(use=False)}
    without = make_settings().classifier.model_copy(update=off)
    assert fit(make_settings(classifier=without)).config["fitted"] == {}


def test_losses_norms_and_means_are_float32_under_mixed_precision():
    with HalfReductions() as seen:
        fit(make_settings(epochs=2, batches_per_epoch=1), devices=MIXED)
    assert seen.halves  # else nothing was shown
    assert seen.found == []


def test_curves_are_those_of_the_network_that_is_kept():
    logger = MemoryLogger()
    fit(make_settings(selection=SelectionSettings(rule="last")), logger=logger)
    assert {name.split("/")[0] for name in logger.names()} == {"train"}
