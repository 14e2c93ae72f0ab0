"""What is measured: implementations of one task, run in turn, and their medians."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ROUNDS = int(os.environ.get("BDGF_BENCH_ROUNDS", "5"))
"""Timed calls of everything; fewer serve to try a change in the benchmarks themselves."""
FEW_ROUNDS = min(ROUNDS, 3)
"""Of what takes long."""


@dataclass(frozen=True)
class Comparison:
    """Implementations of one task; the first is the one that the others are compared with.

    Attributes:
        task: What is done, with its sizes.
        unit: Of the values.
        values: Each implementation's values, one a round; rounds are comparable one by one.
        more_is_better: Whether a value is a rate (else a time or an amount).
        floor: The best that this hardware allows, in the same unit.
        bound: What the floor is: "operations" or "bytes", over their measured rate.
        target: How many times better than the first the last has to be.
        limit: What the last one's value has to reach.
        rivals: Whether the implementations do the same; else they stand below one another only.
        note: What a reader must know to read the row.
        details: What else was measured, for the JSON.
    """

    task: str
    unit: str
    values: Mapping[str, list[float]]
    more_is_better: bool = False
    floor: float | None = None
    bound: str = ""
    target: float | None = None
    limit: float | None = None
    rivals: bool = True
    note: str = ""
    details: Mapping[str, object] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """Median over the rounds."""
        return statistics.median(self.values[name])

    def ratio(self, name: str) -> float:
        """How many times better than the first: the median of the rounds' own ratios.

        Both of a round were measured one after the other, so that other work on the machine
        weighs on both.
        """
        first = next(iter(self.values.values()))
        pairs = zip(first, self.values[name], strict=True)
        if not self.more_is_better:
            pairs = ((own, other) for other, own in pairs)
        return statistics.median(_quotient(own, other) for other, own in pairs)

    def met(self) -> bool | None:
        """Whether the last implementation reaches target and limit; None without either."""
        last = list(self.values)[-1]
        if self.target is not None:
            return self.ratio(last) >= self.target
        if self.limit is not None:
            value = self.median(last)
            return value >= self.limit if self.more_is_better else value <= self.limit
        return None


def _quotient(own: float, other: float) -> float:
    """Amounts may be 0: as good as another 0, and without bound beside anything else."""
    return own / other if other else (1.0 if not own else float("inf"))


def interleave(
    functions: Mapping[str, Callable[[], object]], rounds: int = ROUNDS, warm_up: int = 1
) -> dict[str, list[float]]:
    """Runs the functions in turn.

    Args:
        functions: By name.
        rounds: Timed calls of each.
        warm_up: Calls of each before that.

    Returns:
        Seconds of every timed call.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(warm_up + rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if turn >= warm_up:
                times[name].append(time.perf_counter() - start)
    return times


def rates(seconds: Mapping[str, list[float]], amounts: Mapping[str, float]) -> dict[str, list]:
    """Amounts a second: each implementation's own amount over its times."""
    return {name: [amounts[name] / s for s in times] for name, times in seconds.items()}


def milliseconds(seconds: Mapping[str, list[float]]) -> dict[str, list[float]]:
    """Times in milliseconds."""
    return {name: [1e3 * s for s in times] for name, times in seconds.items()}
