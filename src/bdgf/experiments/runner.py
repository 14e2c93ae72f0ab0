"""The whole bench: plan, run what is not recorded yet, write tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any

from bdgf.core.errors import MissingArtifactError
from bdgf.evaluation.report_page.page import render
from bdgf.experiments.bench_report import bench_report
from bdgf.experiments.executors import ExecutorOptions, LocalExecutor, RunExecutor
from bdgf.experiments.local_executor import run_all
from bdgf.experiments.map_sketches import read_sketch, write_sketch
from bdgf.experiments.process import RunFailed, RunProcess, RunStopped
from bdgf.experiments.published import published_runs
from bdgf.experiments.records import Record, RecordFolder
from bdgf.experiments.suite import (
    PlannedRun,
    Resolve,
    Suite,
    no_variant,
    only_variants,
    plan_suite,
    read_suites,
    run_order,
)
from bdgf.experiments.tables import SuiteTable, suite_tables, write_tables
from bdgf.experiments.tracking import BenchTracking
from bdgf.training.progress import format_seconds


@dataclass(frozen=True)
class BenchOptions:
    """The user's request.

    Attributes:
        suites: Names of suites.
        scenes: Names of scenes.
        seeds: The seeds.
        reference: Variant to compare with; None for each suite's own.
        env: Kedro's environment; None for the default one.
        variant: Names of variants, the only ones; none for all of each suite.
        where: Where the runs are processed, and how many at a time.
        document: Markdown file that the tables go to; None for the bench's own.
        again: Whether runs that are recorded are done again.
        published: Whether runs that the files beside the document hold count as recorded.
    """

    suites: tuple[str, ...]
    scenes: tuple[str, ...]
    seeds: tuple[int, ...]
    reference: str | None
    env: str | None
    variant: tuple[str, ...] = ()
    where: ExecutorOptions = field(default_factory=ExecutorOptions)
    document: Path | None = None
    again: bool = False
    published: bool = False

    def command(self, suite: str) -> str:
        """The command that makes one suite's tables on any machine."""
        seeds, scenes = ",".join(map(str, self.seeds)), ",".join(self.scenes)
        parts = [f"kedro bench --suite {suite} --scenes {scenes} --seeds {seeds}"]
        at_a_time = self.where.workers or self.where.jobs or 1
        parts += [f"--jobs {at_a_time}"] if at_a_time > 1 else []
        parts += [f"--threads {self.where.threads}"] if self.where.threads else []
        parts += [f"--env {self.env}"] if self.env else []
        parts += [f"--reference '{self.reference}'"] if self.reference else []
        parts += [f"--variant '{name}'" for name in self.variant]
        return " ".join(parts)


class Bench:
    """The suites on the scenes with the seeds that were asked for.

    Attributes:
        options: What was asked for.
        suites: The suites by name.
        plans: The runs of each suite.
        folder: Where all of the bench's files are.
        records: Where finished runs are recorded.
        sketches: Where their maps are kept, thinned.
        document: The document.
        published: Folder of the files beside it.
    """

    def __init__(
        self,
        options: BenchOptions,
        configured: dict[str, Any],
        resolve: Resolve,
        say: Callable[[str], None],
    ) -> None:
        """Plans all runs.

        Args:
            options: What was asked for.
            configured: The suites of the configuration.
            resolve: Gives all parameters of a run from its runtime parameters.
            say: Takes what the user reads, a line at a time.

        Raises:
            SettingsError: A suite, scene, model, parameter or reference is unknown or wrong.
        """
        self.options, self._say = options, say
        self.suites = {
            name: only_variants(name, suite, options.variant)
            for name, suite in read_suites(configured, options.suites).items()
        }
        self.plans = {
            name: plan_suite(name, suite, options.scenes, options.seeds, resolve)
            for name, suite in self.suites.items()
        }
        self._references = {
            name: _reference(name, suite, options.reference) for name, suite in self.suites.items()
        }
        self.folder = Path(resolve({"dataset": options.scenes[0]})["working_folder"]) / "bench"
        self.records = RecordFolder(self.folder / "records")
        self.sketches = self.folder / "maps"
        self.document = options.document or self.folder / "results.md"
        self.published = self.document.with_suffix("")

    def take_published(self) -> int:
        """Records the planned runs that are in the document's published files.

        Returns:
            How many were not recorded before.

        Raises:
            SettingsError: A file is not as `published` wrote it.
        """
        wanted = {run.fingerprint for plan in self.plans.values() for run in plan}
        found = {
            record.fingerprint: (record, correctness)
            for record, correctness in published_runs(self.published)
            if record.fingerprint in wanted and record.fingerprint not in self.records
        }
        for record, correctness in found.values():
            self.records.write(record, correctness)
        return len(found)

    def missing(self) -> list[PlannedRun]:
        """The runs that are to be done, in order."""
        order = run_order(run for plan in self.plans.values() for run in plan)
        again = self.options.again
        return [run for run in order if again or run.fingerprint not in self.records]

    def run(
        self,
        runs: Sequence[PlannedRun],
        tracking: BenchTracking,
        executor: RunExecutor | None = None,
    ) -> int:
        """Does `runs`, each in a separate process, and records them.

        Args:
            runs: The runs.
            tracking: The bench in MLflow.
            executor: Who processes them; None for this machine.

        Returns:
            How many failed; each was told in a line.
        """
        executor = executor or LocalExecutor.of(self.options.where)
        work = _Work(self, tracking, executor, len(runs))
        run_all(runs, executor.slots, work)
        return work.failed

    def say(self, line: str) -> None:
        """Shows the user a line."""
        self._say(line)

    def tables(self) -> list[SuiteTable]:
        """The tables of all suites from the runs that are recorded.

        Raises:
            MissingArtifactError: No run is.
        """
        tables = [
            table
            for name, suite in self.suites.items()
            for table in suite_tables(
                suite,
                self.plans[name],
                self.records,
                self._references[name],
                self.options.command(name),
                self.options.env,
            )
        ]
        if not tables:
            raise MissingArtifactError(
                "no run of these suites, scenes and seeds is finished with the present settings; "
                f"run first: {self.options.command(next(iter(self.suites)))}"
            )
        return tables

    def write(self, tables: Sequence[SuiteTable]) -> list[Path]:
        """Writes the tables to the document and to its folder."""
        return write_tables(tables, self.document)

    def report(self, tables: Sequence[SuiteTable]) -> str:
        """The tables and the maps of the variants as one HTML file."""
        return render(bench_report(tables, partial(read_sketch, self.sketches)))


class _Work:
    """Does one run after another, possibly from several threads."""

    def __init__(
        self, bench: Bench, tracking: BenchTracking, executor: RunExecutor, runs: int
    ) -> None:
        self._bench, self._tracking, self._runs = bench, tracking, runs
        self._executor = executor
        self._lock, self._done, self.failed = Lock(), 0, 0
        self._started = time.monotonic()

    def __call__(self, run: PlannedRun, stopping: Event) -> None:
        mlflow_run = self._tracking.open_run(run)
        folder = self._bench.folder / "runs" / run.fingerprint
        env, executor = self._bench.options.env, self._executor
        process = RunProcess(run, folder, env, executor.threads, mlflow_run, executor.project)
        try:
            finished = executor.finish(process, stopping)
        except RunStopped:
            self._tracking.end_run(mlflow_run, "KILLED")
            return
        except RunFailed as error:
            self._tracking.end_run(mlflow_run, "FAILED")
            self._tell(run, f"FAILED: {error}", failed=True)
            return
        except BaseException:  # such as a scheduler that is gone
            self._tracking.end_run(mlflow_run, "KILLED")
            raise
        record = replace(finished.record, reused=self._tracking.reused_denoiser(mlflow_run))
        write_sketch(self._bench.sketches, run.fingerprint, finished.sketch)
        self._bench.records.write(record, finished.correctness)
        process.clear()
        self._tell(run, _result(record))

    def _tell(self, run: PlannedRun, what: str, failed: bool = False) -> None:
        with self._lock:
            self._done += 1
            self.failed += failed
            self._bench.say(f"[{self._done}/{self._runs}] {run.title}: {what}{self._left()}")

    def _left(self) -> str:
        # As long for each run to come as for each of those that ended, several at a time.
        to_come = self._runs - self._done
        if not to_come:
            return ""
        seconds = (time.monotonic() - self._started) / self._done * to_come
        return f"; about {format_seconds(seconds)} left"


def _result(record: Record) -> str:
    oa, aa = (100 * record.metrics[name] for name in ("overall_accuracy", "average_accuracy"))
    return f"OA {oa:.2f} %, AA {aa:.2f} %, {record.seconds:.0f} s"


def _reference(name: str, suite: Suite, wanted: str | None) -> str:
    if wanted is None:
        return suite.reference
    if wanted not in [variant.name for variant in suite.variants]:
        raise no_variant(name, suite, wanted)
    return wanted
