"""A loss that is NaN or infinite ends a training at once, and is told exactly."""

import pytest

from bdgf.core.errors import TrainingDiverged
from bdgf.training.checkpoint import load_checkpoint
from bdgf.training.loop import CheckpointPlan
from bdgf.training.optimizer import (
    learning_rate_at,
)
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
