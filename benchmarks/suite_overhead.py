"""`python -m benchmarks.suite_overhead`: what starting runs costs, here and on dask workers.

The runs are processes that sleep for a second and compute nothing, so that two of them do not share
a core's time: what is beyond the second is the overhead of a run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Event

from bdgf.experiments.executors import ExecutorOptions
from bdgf.experiments.local_executor import run_all
from bdgf.experiments.map_sketches import MapSketch
from bdgf.experiments.open_executor import open_executor
from bdgf.experiments.process import RunProcess
from bdgf.experiments.records import PixelCorrectness, Record
from bdgf.experiments.suite import PlannedRun

SECONDS = 1


class SleepingRun(RunProcess):
    """A run that sleeps, and comes to nothing."""

    def _arguments(self, command: Path) -> list[str]:
        return ["sleep", str(SECONDS)]

    def _result(self, data: Path, seconds: float) -> tuple[Record, PixelCorrectness]:
        return None, None  # type: ignore[return-value]

    def map_sketch(self) -> MapSketch:
        """No map."""
        return None  # type: ignore[return-value]


def main() -> None:
    """Measures each executor, prints a line for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite_overhead")
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args().runs
    print("| executor | at a time | seconds | runs per minute | overhead per run, s |")
    print("|---|---|---|---|---|")
    for jobs in (1, 2, 4):
        for options in (
            ExecutorOptions(jobs=jobs),
            ExecutorOptions("dask", workers=jobs),
        ):
            seconds = measured(options, runs)
            overhead = seconds * jobs / runs - SECONDS
            print(
                f"| {options.executor} | {jobs} | {seconds:.1f} | {60 * runs / seconds:.1f} | "
                f"{overhead:.2f} |",
                flush=True,
            )


def measured(options: ExecutorOptions, runs: int) -> float:
    """Seconds that runs take, without the start of the workers and their first import."""
    planned = [PlannedRun("s", "r", "demo", n, {}, f"f{n}", None) for n in range(runs)]
    with (
        tempfile.TemporaryDirectory() as folder,
        open_executor(options, Path(folder), lambda line: None) as executor,
    ):

        def work(run: PlannedRun, stopping: Event) -> None:
            own = Path(folder) / run.fingerprint
            executor.finish(SleepingRun(run, own, None, 1, "none", executor.project), stopping)

        def all_of(some: Iterable[PlannedRun]) -> None:
            run_all(some, executor.slots, work)

        all_of(planned[: executor.slots()])  # workers import what they need
        begun = time.monotonic()
        all_of(planned)
        return time.monotonic() - begun


if __name__ == "__main__":
    main()
