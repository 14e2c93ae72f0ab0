"""The step loop that pretraining and the classifier share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bdgf.core.interruption import Interrupted, deferred, raise_if_requested, requested
from bdgf.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from bdgf.training.gradients import Gradients, running_statistics
from bdgf.training.metric_logger import MetricLogger, NullLogger
from bdgf.training.optimizer import OptimizationSettings, learning_rate_at
from bdgf.training.progress import ProgressBar
from bdgf.training.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from lightning_fabric import Fabric

log = logging.getLogger(__name__)

StepFunction = Callable[[int], Iterator[tuple[Tensor, Mapping[str, Tensor]]]]
"""Takes the step's index; gives the loss and, detached or not, scalar tensors to log.

The loss may come in parts: each is propagated backward before the next is asked for, so that the
activations of one part at a time are in memory; their gradients add up. A scalar that had nothing
to measure at this step is NaN: the logged mean leaves it out.
"""


@dataclass(frozen=True)
class CheckpointPlan:
    """Path and interval of the running checkpoint.

    Attributes:
        path: The file.
        fingerprint: Of all that decides the result: data, settings, seed.
        seconds: Least time between two checkpoints; 0 for one after every step.
    """

    path: Path
    fingerprint: str
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """Periodic work between steps (validation, keeping the best weights).

    Attributes:
        every: Steps between two evaluations; the last step is always followed by one.
        run: Takes the number of steps done, gives metrics by their full names.
        stopped: Says whether training should end early. Its answer must follow from the state
            that is in the checkpoint.
    """

    every: int
    run: Callable[[int], Mapping[str, float]]
    stopped: Callable[[], bool] = field(default=lambda: False)


def restore(state: TrainingState, plan: CheckpointPlan | None, ranks: Ranks = ALONE) -> None:
    """Continues `state` from a checkpoint of the same training if there is one.

    Of several processes the first reads it, and the others get it from there.
    """
    found = load_checkpoint(plan.path, plan.fingerprint) if plan else None
    found = ranks.shared_state(found)
    if found is None:
        return
    state.load_state_dict(found)
    if plan is not None:
        log.info("continuing from step %d of %s", state.step, plan.path)


def run_steps(
    step_function: StepFunction,
    state: TrainingState,
    *,
    steps: int,
    settings: OptimizationSettings,
    fabric: Fabric,
    name: str,
    description: str,
    log_every: int = 20,
    logger: MetricLogger | None = None,
    plan: CheckpointPlan | None = None,
    evaluation: Evaluation | None = None,
) -> None:
    """Trains `state` up to `steps` steps; the host waits for the device only where it logs.

    Call `restore` first to continue a training. Killed anywhere and started again, it ends with
    the weights of an unbroken run. Where a signal asks the program to stop, the step under way is
    ended and a checkpoint written.

    A step whose loss or gradient is not finite changes no weight, no moment of the optimiser and
    no running statistic of the network.

    Args:
        step_function: The loss of one step; draws only from generators in `state`, or from
            PyTorch's global ones.
        state: Changed in place.
        steps: Number of steps of the whole training.
        settings: Learning rate, decay, clipping.
        fabric: Device and precision.
        name: First part of the metrics' names: `<name>/loss`, `<name>/learning_rate`, ...
        description: What the progress bar and messages call this training.
        log_every: Steps between two records; means over the steps between them are logged.
        logger: Takes the records.
        plan: The running checkpoint; None writes none.
        evaluation: What is done between steps.

    Raises:
        TrainingDiverged: The loss or the gradient was NaN or infinite at more steps than
            `settings.skipped_steps`.
        Interrupted: A signal asked the program to stop.
    """
    logger = logger or NullLogger()
    gradients, statistics = Gradients(state.model, state.optimizer), running_statistics(state.model)
    precision = str(fabric.strategy.precision.precision)
    written = time.monotonic()
    shown: dict[str, float] = {}
    stopped = evaluation.stopped if evaluation else lambda: False

    def check() -> None:
        state.nonfinite.check(description, settings.skipped_steps, precision)

    with deferred(), ProgressBar(description, steps, done=state.step) as bar:
        while state.step < steps and not stopped():
            rate = learning_rate_at(state.step, steps, settings)
            measured = _step(
                step_function, state, gradients, statistics, rate, settings.clip_norm, fabric
            )
            state.means.add(measured)
            state.step += 1
            last, asked = state.step == steps, requested()
            if last or state.step % log_every == 0:
                check()
                values = state.means.take() | {"learning_rate": rate}
                shown = {"loss": values["loss"]} if "loss" in values else {}
                if state.nonfinite.total:
                    values["skipped_steps"] = float(state.nonfinite.total)
                logger.log({f"{name}/{key}": v for key, v in values.items()}, state.step)
            if evaluation and (last or state.step % evaluation.every == 0):
                check()
                logger.log(evaluation.run(state.step), state.step)
            due = plan is not None and time.monotonic() - written >= plan.seconds
            if plan and (last or stopped() or asked or due):
                check()
                if fabric.is_global_zero:
                    save_checkpoint(plan.path, state.state_dict(), plan.fingerprint)
                written = time.monotonic()
            if asked:
                raise Interrupted(asked, plan.path if plan else None, state.step)
            bar.update(state.step, **shown)
    raise_if_requested()  # one that came while the last step was being kept


def _step(
    step_function: StepFunction,
    state: TrainingState,
    gradients: Gradients,
    statistics: list[Tensor],
    rate: float,
    clip_norm: float,
    fabric: Fabric,
) -> dict[str, Tensor]:
    # One step, which changes no weight where it is not finite; gives what is to be logged.
    before = [tensor.clone() for tensor in statistics]
    loss, metrics = _propagate(step_function(state.step), fabric)
    norms, norm = gradients.norms()
    measured = {"loss": loss, **metrics, "gradient_norm": norm}
    skipped = state.nonfinite.add(state.step, rate, measured, norms, gradients.names)
    gradients.step(rate, norm, clip_norm, skipped)
    for tensor, earlier in zip(statistics, before, strict=True):
        tensor.copy_(torch.where(skipped > 0, earlier, tensor))
    if state.ema:
        state.ema.update(state.model, state.step)
    return measured


def _propagate(
    parts: Iterator[tuple[Tensor, Mapping[str, Tensor]]], fabric: Fabric
) -> tuple[Tensor, dict[str, Tensor]]:
    # Adds up the gradients of a loss's parts; gives the whole loss and what is to be logged.
    losses: list[Tensor] = []
    metrics: dict[str, Tensor] = {}
    for loss, terms in parts:
        fabric.backward(loss)
        losses.append(loss.detach())
        metrics.update(terms)
    return torch.stack(losses).sum(), metrics
