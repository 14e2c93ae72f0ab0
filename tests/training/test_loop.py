import math

import pytest
import torch

from bdgf.core.errors import TrainingDiverged
from bdgf.training.checkpoint import TrainingState, load_checkpoint
from bdgf.training.devices import DeviceSettings, make_fabric
from bdgf.training.loop import CheckpointPlan, Evaluation, restore, run_steps
from bdgf.training.metric_logger import MemoryLogger
from bdgf.training.optimizer import (
    ExponentialAverage,
    OptimizationSettings,
    learning_rate_at,
    make_optimizer,
)

SETTINGS = OptimizationSettings(learning_rate=0.05, warmup_steps=3)


class KilledError(Exception):
    pass


class Regression:
    """Fits a line; its step can be made to fail or to diverge."""

    def __init__(self, fail_at=None, bad_at=None, bad_term="loss_fit", in_parts=False):
        fabric = make_fabric(DeviceSettings(accelerator="cpu"))
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Dropout(0.2))
        ema = ExponentialAverage(model, 0.9)
        model, optimizer = fabric.setup(model, make_optimizer(model, SETTINGS))
        generator = torch.Generator().manual_seed(1)
        self.state = TrainingState(model, optimizer, ema, {"steps": generator})
        self.fabric, self.fail_at = fabric, fail_at
        self.bad_at, self.bad_term, self.in_parts = bad_at, bad_term, in_parts

    def step(self, index):
        if index == self.fail_at:
            raise KilledError
        x = torch.randn(8, 2, generator=self.state.generators["steps"])
        terms = {"loss_fit": (self.state.model(x) - x.sum(1, keepdim=True)).square().mean()}
        terms["loss_size"] = 1e-3 * self.state.model(x).square().mean()
        if index == self.bad_at and self.bad_term in terms:
            terms[self.bad_term] = terms[self.bad_term] * math.nan
        if index == self.bad_at and self.bad_term == "gradient":
            infinite = (self.state.model(x).mean() * 0).sqrt()  # finite, of infinite slope
            terms["loss_size"] = terms["loss_size"] + infinite
        seen = {"seen": torch.tensor(math.nan if index % 2 else float(index))}
        if self.in_parts:  # of one loss; the seen is not known before the last
            yield terms["loss_fit"], {"loss_fit": terms["loss_fit"], "seen": torch.tensor(math.nan)}
            yield terms["loss_size"], {"loss_size": terms["loss_size"], **seen}
        else:
            yield sum(terms.values()), terms | seen

    def run(self, steps=20, **chosen):
        run_steps(
            self.step,
            self.state,
            steps=steps,
            settings=SETTINGS,
            fabric=self.fabric,
            name="fit",
            description="fitting",
            **{"log_every": 5, **chosen},
        )
        return self


def weights(training):
    return [*training.state.model.state_dict().values(), *training.state.ema.tensors.values()]


def test_training_lowers_the_loss_and_logs_means_over_the_interval():
    logger = MemoryLogger()
    Regression().run(steps=100, logger=logger)
    losses = logger.series("fit/loss")
    assert [step for step, _ in losses] == list(range(5, 101, 5))
    assert losses[-1][1] < 0.6 * losses[0][1]
    assert logger.series("fit/seen")[0] == (5, pytest.approx((0 + 2 + 4) / 3))
    assert logger.series("fit/learning_rate")[0][1] == learning_rate_at(4, 100, SETTINGS)
    assert set(logger.names()) == {
        "fit/loss", "fit/loss_fit", "fit/loss_size", "fit/seen", "fit/gradient_norm",
        "fit/learning_rate",
    }  # fmt: skip


def test_a_loss_in_parts_is_the_sum_of_them():
    whole = Regression().run(logger=(expected := MemoryLogger()))
    parts = Regression(in_parts=True).run(logger=(logger := MemoryLogger()))
    for one, other in zip(weights(parts), weights(whole), strict=True):
        torch.testing.assert_close(one, other)
    for (step, record), (at, wanted) in zip(logger.records, expected.records, strict=True):
        assert (step, record) == (at, pytest.approx(wanted, rel=1e-5))


@pytest.mark.parametrize("fail_at", [1, 7, 19])
def test_stopped_anywhere_and_restarted_it_ends_with_the_same_weights(tmp_path, fail_at):
    unbroken = Regression().run(logger=(expected := MemoryLogger()))
    plan = CheckpointPlan(tmp_path / "run.ckpt", "mark", seconds=0)
    with pytest.raises(KilledError):
        Regression(fail_at=fail_at).run(plan=plan)
    restarted = Regression()
    restore(restarted.state, plan)
    assert restarted.state.step == fail_at
    restarted.run(plan=plan, logger=(logger := MemoryLogger()))
    for one, other in zip(weights(restarted), weights(unbroken), strict=True):
        assert torch.equal(one, other)
    assert logger.records == expected.records[-len(logger.records) :]


def test_checkpoints_are_spaced_and_the_last_step_is_kept(tmp_path):
    plan = CheckpointPlan(tmp_path / "run.ckpt", "mark", seconds=1e6)
    with pytest.raises(KilledError):
        Regression(fail_at=15).run(plan=plan)
    assert not plan.path.exists()
    Regression().run(plan=plan)
    assert load_checkpoint(plan.path, "mark")["step"] == 20


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


def test_evaluation_runs_between_steps_and_may_stop(tmp_path):
    logger, seen = MemoryLogger(), []

    def evaluate(step):
        seen.append(step)
        return {"validation/score": float(step)}

    plan = CheckpointPlan(tmp_path / "run.ckpt", "mark", seconds=1e6)
    evaluation = Evaluation(4, evaluate, stopped=lambda: bool(seen) and seen[-1] >= 12)
    training = Regression().run(logger=logger, evaluation=evaluation, plan=plan)
    assert seen == [4, 8, 12]
    assert logger.series("validation/score") == [(4, 4.0), (8, 8.0), (12, 12.0)]
    assert training.state.step == load_checkpoint(plan.path, "mark")["step"] == 12


def test_the_last_step_is_evaluated():
    seen = []
    Regression().run(steps=7, evaluation=Evaluation(5, lambda step: seen.append(step) or {}))
    assert seen == [5, 7]


def test_a_finished_training_does_nothing():
    training = Regression(fail_at=0)
    training.state.step = 20
    training.run()
