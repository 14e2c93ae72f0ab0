"""The bench in MLflow: a parent run, with a child run for each process."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bdgf.experiments.suite import PlannedRun
from bdgf.experiments.tables import SuiteTable
from bdgf.framework.mlflow_logger import REUSED
from bdgf.framework.mlflow_names import HEADLINE, taken
from bdgf.framework.processes import end_runs_of_gone_processes, process_tags

BEST, NOTE = "best", "mlflow.note.content"
LONGEST_TAG = 8000
"""Characters of a tag that MLflow takes."""


class BenchTracking:
    """The bench's MLflow run, and the runs that its processes write to."""

    def __init__(
        self, experiment: str, name: str, tags: Mapping[str, Any], again: str | None = None
    ) -> None:
        """Opens the bench's run.

        Args:
            experiment: Name of an experiment that is there.
            name: The run's name.
            tags: The run's tags.
            again: Id of an ended run to go on with, where it is still there.
        """
        from mlflow import MlflowClient

        self._client = MlflowClient()
        found = self._client.get_experiment_by_name(experiment)
        self._experiment = found.experiment_id
        end_runs_of_gone_processes(self._experiment)
        own = {**tags, **process_tags()}
        if again is not None and self._reopened(again, own):
            self.run_id: str = again
        else:
            run = self._client.create_run(self._experiment, tags=own, run_name=name)
            self.run_id = run.info.run_id

    def _reopened(self, run_id: str, tags: Mapping[str, Any]) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            if self._client.get_run(run_id).info.lifecycle_stage != "active":
                return False
        except MlflowException:  # of another tracking server, or deleted for good
            return False
        self._client.update_run(run_id, status="RUNNING")
        for name, value in tags.items():
            self._client.set_tag(run_id, name, value)
        return True

    def open_run(self, run: PlannedRun) -> str:
        """Makes the MLflow run that a process writes to, below the bench's; gives its id."""
        tags = {
            "mlflow.parentRunId": self.run_id,
            "bench.suite": run.suite,
            "bench.variant": run.variant,
            **process_tags(),  # until the run's process puts its own in their place
        }
        made = self._client.create_run(self._experiment, tags=tags, run_name=row_name(run))
        return str(made.info.run_id)

    def end_run(self, run_id: str, status: str) -> None:
        """Closes the run of a process that could not do so itself; `status` is MLflow's word."""
        if self._client.get_run(run_id).info.status == "RUNNING":
            self._client.set_terminated(run_id, status)

    def reused_denoiser(self, run_id: str) -> bool:
        """Whether a finished process took a denoiser that another run had pretrained."""
        measured = self._client.get_run(run_id).data.metrics
        return measured.get(REUSED.format("denoiser"), 0.0) == 1.0

    def describe(self, tables: Sequence[SuiteTable]) -> None:
        """Puts the tables into the run's description, and the best row of each into its metrics.

        With one table the metrics are `oa`, `aa`, `kappa` and `ece`, as a run's own; with several
        `best/<table>/oa` and so on. The tag `best` names the rows.
        """
        named = []
        for table in tables:
            above = "" if len(tables) == 1 else f"{BEST}/{taken(table.key)}/"
            named.append(f"{table.key}: {table.best.variant}")
            for measure, value in table.best.means.items():
                if measure in HEADLINE and math.isfinite(value):
                    self._client.log_metric(self.run_id, f"{above}{HEADLINE[measure]}", value)
        self._client.set_tag(self.run_id, BEST, "; ".join(named)[:LONGEST_TAG])
        self._client.set_tag(self.run_id, NOTE, _note(tables))

    def log_table(self, name: str, text: str) -> None:
        """Keeps a table as an artifact of the bench's run."""
        self._client.log_text(self.run_id, text, f"tables/{name}")

    def end(self, status: str) -> None:
        """Closes the bench's run; `status` is MLflow's word."""
        self._client.set_terminated(self.run_id, status)


def row_name(run: PlannedRun) -> str:
    """The name of a run in MLflow: its row of the table first, then the scene and the seed."""
    return f"{run.variant}, {run.scene} seed {run.seed}"


def _note(tables: Sequence[SuiteTable]) -> str:
    """The tables as Markdown, those that have room; the others are artifacts all the same."""
    parts: list[str] = []
    for table in tables:
        best = table.best
        oa, aa = (100 * best.means[name] for name in ("overall_accuracy", "average_accuracy"))
        told = f"Best in OA: **{best.variant}**, OA {oa:.2f} %, AA {aa:.2f} %"
        part = f"### {table.key}\n\n{told}\n\n{table.markdown}"
        if len("\n\n".join([*parts, part])) > LONGEST_TAG:
            part = f"### {table.key}\n\n{told}; the table is `tables/{table.key}.md`"
        if len("\n\n".join([*parts, part])) > LONGEST_TAG:
            break
        parts.append(part)
    return "\n\n".join(parts)
