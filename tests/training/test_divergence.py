"""A step that is NaN or infinite changes nothing; too many of them end a training, told exactly."""

import math

import pytest
import torch

from bdgf.core.errors import TrainingDiverged
from bdgf.training.checkpoint import load_checkpoint
from bdgf.training.divergence import NonFiniteSteps
from bdgf.training.loop import CheckpointPlan, restore
from bdgf.training.metric_logger import MemoryLogger
from bdgf.training.optimizer import learning_rate_at
from tests.training.small_training import SETTINGS, KilledError, Regression, weights

NONE_SKIPPED = SETTINGS.model_copy(update={"skipped_steps": 0})
TWO_SKIPPED = SETTINGS.model_copy(update={"skipped_steps": 2})


@pytest.mark.parametrize("bad_at", [0, 6, 19])
@pytest.mark.parametrize(
    ("bad_term", "named"),
    [("loss_size", "loss_size"), ("gradient", "the gradient's norm")],
)
def test_divergence_names_term_step_and_parameter(tmp_path, bad_at, bad_term, named):
    plan = CheckpointPlan(tmp_path / "run.ckpt", "mark", seconds=0)
    with pytest.raises(TrainingDiverged) as caught:
        Regression(bad_at={bad_at}, bad_term=bad_term).run(
            log_every=1000, plan=plan, settings=NONE_SKIPPED
        )
    told, rate = str(caught.value), learning_rate_at(bad_at, 20, SETTINGS)
    assert f"fitting: {named} became NaN or infinite at step {bad_at} " in told
    for fact in (f"learning rate {rate:.3g}", "loss ", "precision 32-true", "parameter 0.weight"):
        assert fact in told
    assert "Lower learning_rate" in told
    assert "devices.precision" not in told  # it is 32-true already
    kept = load_checkpoint(plan.path, "mark")
    assert kept is None or all(t.isfinite().all() for t in kept["model"].values())


def test_divergence_is_found_late_but_told_exactly():
    with pytest.raises(TrainingDiverged, match="loss_fit became NaN or infinite at step 6 "):
        Regression(bad_at={6}).run(log_every=20, settings=NONE_SKIPPED)


@pytest.mark.parametrize("bad_term", ["loss_fit", "gradient"])
def test_a_bad_step_changes_neither_weights_nor_optimiser_nor_running_statistics(bad_term):
    training = Regression(bad_at={3}, bad_term=bad_term, normalised=True)
    training.run(steps=3)
    model, moments = training.state.model, training.moments()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    training.run(steps=4)
    for name, tensor in model.state_dict().items():
        assert torch.equal(before[name], tensor) or name.endswith("num_batches_tracked"), name
    for old, new in zip(moments, training.moments(), strict=True):
        assert torch.equal(old, new)
    training.run(steps=8)
    assert all(t.isfinite().all() for t in weights(training))
    assert not torch.equal(before["0.weight"], model.state_dict()["0.weight"])


def test_bad_steps_up_to_the_limit_are_skipped_counted_and_told(caplog):
    logger = MemoryLogger()
    training = Regression(bad_at={4, 11}).run(logger=logger, settings=TWO_SKIPPED)
    assert training.state.step == 20
    assert logger.series("fit/skipped_steps") == [(5, 1), (10, 1), (15, 2), (20, 2)]
    assert all(math.isfinite(v) for _, record in logger.records for v in record.values())
    told = [record.getMessage() for record in caplog.records if "skipped" in record.getMessage()]
    assert len(told) == 2
    assert "loss_fit became NaN or infinite at step 4 " in told[0]
    assert "skipped 2 such steps so far, at most 2" in told[1]
    with pytest.raises(TrainingDiverged, match=r"at step 4 .*, and at 2 later ones; no more th"):
        Regression(bad_at={4, 11, 12}).run(settings=TWO_SKIPPED)


def test_a_restart_goes_on_counting(tmp_path):
    plan = CheckpointPlan(tmp_path / "run.ckpt", "mark", seconds=0)
    bad = {4, 11, 12}
    with pytest.raises(KilledError):
        Regression(bad_at=bad, fail_at=8).run(plan=plan, settings=TWO_SKIPPED)
    restarted = Regression(bad_at=bad)
    restore(restarted.state, plan)
    with pytest.raises(TrainingDiverged, match=r"at step 4 \(.*, and at 2 later ones"):
        restarted.run(plan=plan, settings=TWO_SKIPPED)


TERMS = ("loss", "loss_fit", "loss_size", "gradient_norm", "seen")
NAMES = ["first", "second"]


def counted(steps, norms=(1.0, math.inf)):
    """What counted these values of the terms, step by step."""
    found = NonFiniteSteps()
    for step, values in enumerate(steps):
        add(found, step, values, norms)
    return found


def add(found, step, values, norms=(1.0, math.inf)):
    terms = {name: torch.tensor(float(v)) for name, v in zip(TERMS, values, strict=True)}
    return found.add(step, 0.1 * (step + 1), terms, torch.tensor(norms), NAMES)


def check(found, most=0):
    found.check("fitting", most, "bf16-mixed")


GOOD = (2, 1, 1, 5, 0)


def test_what_saw_nothing_bad_says_nothing():
    check(NonFiniteSteps())
    found = counted([GOOD, GOOD])
    check(found)
    assert (found.total, found.first) == (0, None)
    assert add(found, 2, GOOD).item() == 0


def test_a_term_without_a_measure_is_no_divergence():
    check(counted([(2, 1, 1, 5, math.nan), (2, math.nan, 1, 5, math.inf)]))


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ((math.nan, math.nan, 1, 5, 0), "loss_fit became"),
        ((math.inf, math.inf, math.nan, math.nan, 0), "loss_fit and loss_size became"),
        ((math.inf, 3e38, 3e38, 5, 0), "the loss became"),
        ((2, 1, 1, math.inf, math.nan), "the gradient's norm became"),
    ],
)
def test_the_first_bad_step_is_told_with_its_rate_its_term_and_what_helps(bad, named):
    found, later = counted([GOOD]), (math.nan,) * 5
    assert add(found, 1, bad).item() == 1
    add(found, 2, later, (math.nan, math.nan))
    with pytest.raises(TrainingDiverged, match=f"fitting: {named} NaN or infinite at step 1 ") as e:
        check(found, most=1)
    assert f"learning rate 0.2, loss {bad[0]:.4g}, precision bf16-mixed" in str(e.value)
    assert "first parameter second" in str(e.value)
    assert "devices.precision=32-true" in str(e.value)


def test_a_loss_that_is_bad_with_good_gradients_names_no_parameter():
    found = counted([(math.inf, 1, 1, 5, 0)], norms=(1.0, 2.0))
    with pytest.raises(TrainingDiverged) as caught:
        check(found)
    assert "parameter" not in str(caught.value)


def test_a_good_check_does_not_end_the_watch():
    found = counted([GOOD, GOOD])
    check(found)
    add(found, 2, (math.nan,) * 5)
    with pytest.raises(TrainingDiverged, match="at step 2 "):
        check(found)
