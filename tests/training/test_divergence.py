"""A loss that is NaN or infinite ends a training at once, and is told exactly."""

import math

import pytest
import torch

from bdgf.core.errors import TrainingDiverged
from bdgf.training.checkpoint import load_checkpoint
from bdgf.training.divergence import DivergenceWatch
from bdgf.training.loop import CheckpointPlan
from bdgf.training.optimizer import learning_rate_at
from tests.training.small_training import SETTINGS, Regression


@pytest.mark.parametrize("bad_at", [0, 6, 19])
@pytest.mark.parametrize(
    ("bad_term", "named"),
    [("loss_size", "loss_size"), ("gradient", "the gradient's norm")],
)
def test_divergence_names_term_and_first_step(tmp_path, bad_at, bad_term, named):
    plan = CheckpointPlan(tmp_path / "run.ckpt", "mark", seconds=0)
    with pytest.raises(TrainingDiverged) as caught:
        Regression(bad_at=bad_at, bad_term=bad_term).run(log_every=1000, plan=plan)
    rate = learning_rate_at(bad_at, 20, SETTINGS)
    assert (
        f"fitting: {named} became NaN or infinite at step {bad_at} (learning rate {rate:.3g})"
        in (str(caught.value))
    )
    assert "lower learning_rate" in str(caught.value)
    kept = load_checkpoint(plan.path, "mark")
    assert kept is None or all(t.isfinite().all() for t in kept["model"].values())


def test_divergence_is_found_late_but_told_exactly():
    with pytest.raises(TrainingDiverged, match="loss_fit became NaN or infinite at step 6 "):
        Regression(bad_at=6).run(log_every=20)


TERMS = ("loss", "loss_fit", "loss_size", "gradient_norm", "seen")


def watch(steps):
    """A watch that saw these values of the terms, step by step."""
    found = DivergenceWatch("fitting")
    for step, values in enumerate(steps):
        terms = {name: torch.tensor(float(v)) for name, v in zip(TERMS, values, strict=True)}
        found.add(step, 0.1 * (step + 1), terms)
    return found


GOOD = (2, 1, 1, 5, 0)


def test_a_watch_that_saw_nothing_bad_says_nothing():
    DivergenceWatch("fitting").check()
    watch([GOOD, GOOD]).check()


def test_a_term_without_a_measure_is_no_divergence():
    watch([(2, 1, 1, 5, math.nan), (2, math.nan, 1, 5, math.inf)]).check()


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ((math.nan, math.nan, 1, 5, 0), "loss_fit became"),
        ((math.inf, math.inf, math.nan, math.nan, 0), "loss_fit and loss_size became"),
        ((math.inf, 3e38, 3e38, 5, 0), "the loss became"),
        ((2, 1, 1, math.inf, math.nan), "the gradient's norm became"),
    ],
)
def test_the_first_bad_step_is_told_with_its_rate_and_its_term(bad, named):
    later = (math.nan,) * 5
    with pytest.raises(TrainingDiverged, match=f"fitting: {named} NaN or infinite at step 1 ") as e:
        watch([GOOD, bad, GOOD, later]).check()
    assert "(learning rate 0.2)" in str(e.value)


def test_a_good_check_does_not_end_the_watch():
    found = watch([GOOD, GOOD])
    found.check()
    found.add(2, 0.3, dict.fromkeys(TERMS, torch.tensor(math.nan)))
    with pytest.raises(TrainingDiverged, match="at step 2 "):
        found.check()
