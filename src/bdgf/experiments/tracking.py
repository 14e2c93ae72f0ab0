"""The bench in MLflow: one run for all, below it one for each process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bdgf.experiments.suite import PlannedRun
from bdgf.framework.mlflow_logger import REUSED
from bdgf.framework.processes import end_runs_of_gone_processes, process_tags


class BenchTracking:
    """The bench's MLflow run, and the runs that its processes write to."""

    def __init__(self, experiment: str, name: str, tags: Mapping[str, Any]) -> None:
        """Opens the bench's run.

        Args:
            experiment: Name of an experiment that is there.
            name: The run's name.
            tags: The run's tags.
        """
        from mlflow import MlflowClient

        self._client = MlflowClient()
        found = self._client.get_experiment_by_name(experiment)
        self._experiment = found.experiment_id
        end_runs_of_gone_processes(self._experiment)
        own = {**tags, **process_tags()}
        run = self._client.create_run(self._experiment, tags=own, run_name=name)
        self.run_id: str = run.info.run_id

    def open_run(self, run: PlannedRun) -> str:
        """Makes the MLflow run that a process writes to, below the bench's; gives its id."""
        tags = {
            "mlflow.parentRunId": self.run_id,
            "bench.suite": run.suite,
            "bench.variant": run.variant,
            **process_tags(),  # until the run's process puts its own in their place
        }
        made = self._client.create_run(self._experiment, tags=tags, run_name=run.title)
        return str(made.info.run_id)

    def end_run(self, run_id: str, status: str) -> None:
        """Closes the run of a process that could not do so itself; `status` is MLflow's word."""
        if self._client.get_run(run_id).info.status == "RUNNING":
            self._client.set_terminated(run_id, status)

    def reused_denoiser(self, run_id: str) -> bool:
        """Whether a finished process took a denoiser that another run had pretrained."""
        measured = self._client.get_run(run_id).data.metrics
        return measured.get(REUSED.format("denoiser"), 0.0) == 1.0

    def log_table(self, name: str, text: str) -> None:
        """Keeps a table as an artifact of the bench's run."""
        self._client.log_text(self.run_id, text, f"tables/{name}")

    def end(self, status: str) -> None:
        """Closes the bench's run; `status` is MLflow's word."""
        self._client.set_terminated(self.run_id, status)
