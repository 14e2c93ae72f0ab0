"""Steps whose loss or gradient is not finite: found without waiting for the device, and counted."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from bdgf.core.errors import TrainingDiverged

log = logging.getLogger(__name__)

NEVER = torch.iinfo(torch.int64).max
_NOWHERE = -1


class FirstStep(NamedTuple):
    """The first step that was not finite.

    Attributes:
        step: Its index.
        what: The terms that were not finite.
        parameter: The first parameter whose gradient was not; empty where all were finite.
        loss: The loss.
        rate: The learning rate.
    """

    step: int
    what: str
    parameter: str
    loss: float
    rate: float


class _Interval(NamedTuple):
    # Since the last reading, on the device.
    first: Tensor  # (terms,) int64, the first step at which each term was not finite
    steps: Tensor  # int64
    parameter: Tensor  # int64, position among those with a gradient at the first bad step
    loss: Tensor  # float32, at the first bad step

    @classmethod
    def empty(cls, terms: int, device: torch.device) -> Self:
        return cls(
            torch.full((terms,), NEVER, device=device),
            torch.zeros((), dtype=torch.int64, device=device),
            torch.full((), _NOWHERE, device=device),
            torch.zeros((), device=device),
        )


class NonFiniteSteps:
    """Counts the steps that are not finite, and keeps what the first of them was.

    Attributes:
        total: Their number up to the last reading.
        first: The first of them up to the last reading.
    """

    def __init__(self) -> None:
        self.total = 0
        self.first: FirstStep | None = None
        self._names: list[str] = []
        self._interval: _Interval | None = None
        self._rates: dict[int, float] = {}
        self._parameters: list[tuple[int, Sequence[str]]] = []

    @torch.no_grad()
    def add(
        self,
        step: int,
        rate: float,
        terms: Mapping[str, Tensor],
        norms: Tensor,
        parameters: Sequence[str],
    ) -> Tensor:
        """Looks at one step.

        Args:
            step: The step's index.
            rate: Its learning rate, for the message.
            terms: Scalars by name, the same names at every step; among them `loss` and
                `gradient_norm`, which decide. The others may be NaN where they had nothing to
                measure.
            norms: (P,) norms of the parameters' gradients.
            parameters: The parameters' names; the same object while they are the same.

        Returns:
            Scalar float32 on the device: 1 where the step is to be skipped, else 0.
        """
        values = torch.stack([value.detach().float() for value in terms.values()])
        finite = values.isfinite()
        if self._interval is None:
            self._names = list(terms)
            self._interval = _Interval.empty(len(terms), values.device)
        first, count, parameter, loss = self._interval
        at_loss, at_norm = self._names.index("loss"), self._names.index("gradient_norm")
        bad = ~(finite[at_loss] & finite[at_norm])
        begins = bad & (count == 0)
        broken = ~norms.isfinite()
        place = torch.where(broken.any(), broken.int().argmax(), _NOWHERE)
        self._interval = _Interval(
            torch.minimum(first, torch.where(finite, NEVER, step)),
            count + bad,
            torch.where(begins, place, parameter),
            torch.where(begins, values[at_loss], loss),
        )
        self._rates[step] = rate
        if not self._parameters or self._parameters[-1][1] is not parameters:
            self._parameters.append((step, parameters))
        return bad.float()

    def check(self, description: str, most: int, precision: str) -> None:
        """Reads what was counted, which waits for the device; new bad steps are a warning.

        Args:
            description: What messages call the training.
            most: How many steps may be skipped.
            precision: The precision it computes in, for the message.

        Raises:
            TrainingDiverged: There were more.
        """
        before = self.total
        self._read()
        if self.total == before or self.first is None:
            return
        step, what, parameter, loss, rate = self.first
        facts = [f"learning rate {rate:.3g}", f"loss {loss:.4g}", f"precision {precision}"]
        facts += [f"first parameter {parameter}"] if parameter else []
        told = f"{what} became NaN or infinite at step {step} ({', '.join(facts)})"
        if self.total <= most:
            log.warning(
                "%s: %s; skipped %d such steps so far, at most %d", description, told, self.total,
                most,
            )  # fmt: skip
            return
        again = f", and at {self.total - 1} later ones" if self.total > 1 else ""
        half = ", or compute with devices.precision=32-true" if precision != "32-true" else ""
        raise TrainingDiverged(
            f"{description}: {told}{again}; no more than {most} are skipped "
            "(optimization.skipped_steps). Lower learning_rate or lengthen warmup_steps"
            f"{half}, and look for extreme values in the scene"
        )

    def state_dict(self) -> dict[str, Any]:
        """The count and the first step, for a running checkpoint."""
        self._read()
        return {"total": self.total, "first": tuple(self.first) if self.first else None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the count of a running checkpoint."""
        self.total = int(state["total"])
        self.first = FirstStep(*state["first"]) if state["first"] else None

    def _read(self) -> None:
        if self._interval is None:
            return
        first, count, parameter, loss = self._interval
        found = int(count)
        if found and self.first is None:
            self.first = self._first(first.tolist(), int(parameter), float(loss))
        self.total += found
        self._interval = None
        self._rates.clear()
        del self._parameters[:-1]

    def _first(self, steps: list[int], parameter: int, loss: float) -> FirstStep:
        first = dict(zip(self._names, steps, strict=True))
        step = min(first["loss"], first["gradient_norm"])
        if first["loss"] > step:
            what = "the gradient's norm"
        else:
            terms = [n for n in self._names if first[n] == step and n.startswith("loss_")]
            what = " and ".join(terms) or "the loss"
        names = [names for begin, names in self._parameters if begin <= step][-1]
        name = names[parameter] if parameter != _NOWHERE else ""
        return FirstStep(step, what, name, loss, self._rates[step])
