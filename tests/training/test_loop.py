import os
import signal

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from bdgf.core.interruption import Interrupted, listening
from bdgf.training.checkpoint import load_checkpoint
from bdgf.training.loop import CheckpointPlan, Evaluation, restore
from bdgf.training.metric_logger import MemoryLogger
from bdgf.training.optimizer import learning_rate_at
from tests.training.small_training import SETTINGS, KilledError, Regression, weights


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_step_end_and_writes_a_checkpoint(tmp_path, number):
    unbroken = Regression().run(logger=(expected := MemoryLogger()))
    plan = CheckpointPlan(tmp_path / "run.ckpt", "mark", seconds=1e6)
    asked = Regression(before_step={7: lambda: os.kill(os.getpid(), number)})
    with listening(), pytest.raises(Interrupted) as stopped:
        asked.run(plan=plan, logger=(logger := MemoryLogger()))
    assert (stopped.value.signal, stopped.value.step) == (number, 8)
    assert stopped.value.checkpoint == plan.path
    assert stopped.value.exit_code == 128 + number
    restarted = Regression()
    restore(restarted.state, plan)
    assert restarted.state.step == 8
    restarted.run(plan=plan, logger=logger)
    for one, other in zip(weights(restarted), weights(unbroken), strict=True):
        assert torch.equal(one, other)
    assert logger.records == expected.records


def test_a_signal_at_the_last_step_loses_nothing_either(tmp_path):
    plan = CheckpointPlan(tmp_path / "run.ckpt", "mark", seconds=1e6)
    asked = Regression(before_step={19: lambda: signal.raise_signal(signal.SIGTERM)})
    with listening(), pytest.raises(Interrupted) as stopped:
        asked.run(plan=plan)
    assert stopped.value.step == load_checkpoint(plan.path, "mark")["step"] == 20


def test_a_training_without_checkpoints_stops_too():
    asked = Regression(before_step={7: lambda: signal.raise_signal(signal.SIGTERM)})
    with listening(), pytest.raises(Interrupted) as stopped:
        asked.run()
    assert stopped.value.checkpoint is None


def test_checkpoints_are_spaced_and_the_last_step_is_kept(tmp_path):
    plan = CheckpointPlan(tmp_path / "run.ckpt", "mark", seconds=1e6)
    with pytest.raises(KilledError):
        Regression(fail_at=15).run(plan=plan)
    assert not plan.path.exists()
    Regression().run(plan=plan)
    assert load_checkpoint(plan.path, "mark")["step"] == 20


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


class HostWaits(TorchDispatchMode):
    """Counts how often a number is read from a device, which the host waits for."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        reads = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)
        self.count += func in reads
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("normalised", [False, True])
def test_the_host_does_not_wait_for_the_device_between_records(normalised):
    waits = []
    for steps in (10, 30):
        training = Regression(normalised=normalised)
        with HostWaits() as seen:
            training.run(steps=steps, log_every=1000)
        waits.append(seen.count)
    assert waits[0] == waits[1]
    assert waits[0]  # those of the last record


def test_the_last_step_is_evaluated():
    seen = []
    Regression().run(steps=7, evaluation=Evaluation(5, lambda step: seen.append(step) or {}))
    assert seen == [5, 7]


def test_a_finished_training_does_nothing():
    training = Regression(fail_at=0)
    training.state.step = 20
    training.run()
