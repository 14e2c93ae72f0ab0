"""Live curves and wall times into the active MLflow run, without the science knowing MLflow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bdgf.core.interruption import deferred, raise_if_requested


class MlflowMetricLogger:
    """A `MetricLogger` that writes to the active MLflow run, or nowhere when there is none."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Logs all of `metrics` at `step` in one request."""
        import mlflow

        if mlflow.active_run() is None:
            return
        with deferred():  # a transaction that a signal leaves in the middle locks the database
            mlflow.log_metrics(dict(metrics), step=step)
        raise_if_requested()


@contextmanager
def logged_seconds(name: str) -> Iterator[None]:
    """Logs the wall time of what it surrounds as the metric `seconds.<name>`.

    It is no part of an artifact: equal runs shall give equal files.
    """
    started = time.perf_counter()
    yield
    MlflowMetricLogger().log({f"seconds.{name}": time.perf_counter() - started}, step=0)


REUSED = "reused.{}"
"""Metric that is 1 where a run took an artifact which an earlier one had made, else 0."""


def log_reuse(artifact: str, reused: bool) -> None:
    """Logs whether a costly artifact was taken from an earlier run: its seconds are missing."""
    MlflowMetricLogger().log({REUSED.format(artifact): float(reused)}, step=0)
