"""Training beside busy processes: parts of a batch in lanes, or each batch over all threads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch

from bdgf.models.bdgf.classifier import Classifier
from bdgf.raster.patches import SceneTensors
from benchmarks.comparison import FEW_ROUNDS, Comparison
from benchmarks.scenes import scene_arrays
from benchmarks.training import classical_branch_fitted_once, samples_a_second

FEWEST_ROUNDS = min(FEW_ROUNDS, 2)
NEIGHBOURS = {0: (FEW_ROUNDS, 6), 2: (FEWEST_ROUNDS, 3), 10: (FEWEST_ROUNDS, 1)}
"""Busy processes beside the training: rounds, and batches of each."""
SHARE = 0.8
"""Of its fair share of the processors, that the training is to use."""
TOGETHER = "each batch over all threads"
LANES = "bdgf: parts of the batch, one thread each"
QUIET_GAIN, AIM = 1.3, 550


@classical_branch_fitted_once()
def compare() -> list[Comparison]:
    """Labelled samples a second, with consistency, beside 0, 2 and 10 busy processes."""
    arrays, found = scene_arrays(), []
    threads = torch.get_num_threads()
    quiet = 0.0
    for count, (rounds, batches) in NEIGHBOURS.items():
        with neighbours(count):
            values = measure(arrays, rounds, batches)
        share = min(1.0, threads / (threads + count))
        comparison = Comparison(
            f"training with consistency beside {count} busy processes, {threads} threads",
            "samples/s",
            values,
            more_is_better=True,
            floor=share * quiet if count else None,
            bound="share of the processor time" if count else "",
            target=None if count else QUIET_GAIN,
            limit=SHARE * share * quiet if count else None,
            note="Each process runs a loop that does nothing. The fair share is that of as many "
            "threads among all that want to run.",
        )
        found.append(comparison)
        if not count:
            quiet = comparison.median(LANES)
            found.append(beside_the_aim({LANES: values[LANES]}))
    return found


def beside_the_aim(values: dict[str, list[float]]) -> Comparison:
    """The rates of the quiet machine, which is what the aim is about."""
    return Comparison(
        "the same in the epochs with consistency, labelled samples counted",
        "samples/s",
        values,
        more_is_better=True,
        limit=AIM,
        note="From the fourth epoch on each batch comes with pixels without labels, which pass "
        "forward twice and backward once more.",
    )


def measure(arrays: SceneTensors, rounds: int, batches: int) -> dict[str, list[float]]:
    """Rates of both ways, in turn."""
    values: dict[str, list[float]] = {TOGETHER: [], LANES: []}
    for _ in range(rounds):
        with patch.object(Classifier, "separable", False):
            values[TOGETHER].append(_rate(arrays, batches))
        values[LANES].append(_rate(arrays, batches))
    return values


def _rate(arrays: SceneTensors, batches: int) -> float:
    return samples_a_second(arrays, "auto", batches, first_consistency=0)


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Processes that are always busy, ended afterwards."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
        for process in busy:
            process.wait()
