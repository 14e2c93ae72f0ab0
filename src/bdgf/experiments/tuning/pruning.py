"""Gives a trial up while its training runs, by the validation pixels that the training logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event

TENTHS = 10
"""Trainings of different lengths are compared at equal tenths of them."""
LOOK_SECONDS = 2.0
"""Time between two looks at the curve of a training under way."""

Curve = Sequence[tuple[int, float]]
"""Steps of a training, ascending, and what was measured at them."""


def value_at(curve: Curve, tenth: int, steps: int) -> float | None:
    """The first value measured at or after so many tenths of a training; None before that.

    Args:
        curve: The curve so far.
        tenth: How many tenths.
        steps: Steps of the whole training.
    """
    return next((value for step, value in curve if step * TENTHS >= tenth * steps), None)


class TrialWatch:
    """Ends a run when the search is to stop, or this trial is worse than most.

    What is decided depends on the curve alone, not on when somebody looks at it: each tenth is
    judged once, in order, and those of a training that ended before the next look are judged too.

    Attributes:
        pruned: Whether the trial is given up.
    """

    def __init__(
        self,
        stopping: Event,
        curve: Callable[[], Curve],
        steps: int,
        worse_than_most: Callable[[int, float], bool],
    ) -> None:
        """Watches one training.

        Args:
            stopping: Is set when the whole search is to stop.
            curve: Reads what the training has measured so far.
            steps: Steps of the whole training.
            worse_than_most: Takes a tenth and its value; says whether the trial is given up.
        """
        self._stopping, self._curve, self._steps = stopping, curve, steps
        self._worse_than_most = worse_than_most
        self._next, self._looked = 1, time.monotonic()
        self.pruned = False

    def wait(self, timeout: float | None = None) -> bool:
        """Waits for the end of the search, and looks at the curve from time to time."""
        if self._stopping.wait(timeout):
            return True
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self.look()
            self._looked = time.monotonic()
        return self.pruned

    def look(self) -> None:
        """Judges the tenths that are new."""
        curve = self._curve()
        while not self.pruned and self._next < TENTHS:  # the last one is the result
            value = value_at(curve, self._next, self._steps)
            if value is None:
                return
            self.pruned = self._worse_than_most(self._next, value)
            self._next += 1
