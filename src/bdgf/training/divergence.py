"""Notices the first step at which a loss is NaN or infinite, without waiting for the device."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bdgf.core.errors import TrainingDiverged

NEVER = torch.iinfo(torch.int64).max


class DivergenceWatch:
    """Keeps on the device, for every quantity, the first step at which it was not finite."""

    def __init__(self, description: str) -> None:
        """Watches the training that messages call `description`."""
        self.description = description
        self._names: list[str] = []
        self._first: Tensor | None = None
        self._rates: dict[int, float] = {}

    @torch.no_grad()
    def add(self, step: int, rate: float, terms: Mapping[str, Tensor]) -> None:
        """Looks at one step's scalars, the same names at every step.

        Args:
            step: The step's index.
            rate: Its learning rate, for the message.
            terms: Loss terms by name, and among them `loss` and `gradient_norm`, which decide;
                the others may be NaN where they had nothing to measure.
        """
        values = torch.stack([value.detach().float() for value in terms.values()])
        bad = torch.where(values.isfinite(), NEVER, step)
        if self._first is None:
            self._names, self._first = list(terms), bad
        else:
            torch.minimum(self._first, bad, out=self._first)
        self._rates[step] = rate

    def check(self) -> None:
        """Reads the result, which waits for the device.

        Raises:
            TrainingDiverged: The loss or its gradient was not finite at some step so far.
        """
        if self._first is None:
            return
        first = dict(zip(self._names, self._first.tolist(), strict=True))
        step = min(first["loss"], first["gradient_norm"])
        if step == NEVER:
            self._rates.clear()
            return
        if first["loss"] > step:
            what = "the gradient's norm"
        else:
            terms = [n for n in self._names if first[n] == step and n.startswith("loss_")]
            what = " and ".join(terms) or "the loss"
        raise TrainingDiverged(
            f"{self.description}: {what} became NaN or infinite at step {step} (learning rate "
            f"{self._rates[step]:.3g}); lower learning_rate or lengthen warmup_steps, and look "
            "for extreme values in the scene"
        )
