"""Logs curves and wall times to the active MLflow run; the scientific code does not use MLflow."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bdgf.core.interruption import deferred, raise_if_requested
from bdgf.framework import mlflow_names


class MlflowMetricLogger:
    """A `MetricLogger` that writes to the active MLflow run, or nowhere when there is none."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Logs all of `metrics` at `step` in one request, each as `curve/<name>`."""
        _log({f"{mlflow_names.CURVE}/{name}": value for name, value in metrics.items()}, step)


def _log(metrics: Mapping[str, float], step: int = 0) -> None:
    mlflow: Any = sys.modules.get("mlflow")  # else there is no run, and nothing to wait for
    if mlflow is None or mlflow.active_run() is None:
        return
    with deferred():  # a transaction that a signal leaves in the middle locks the database
        mlflow.log_metrics(dict(metrics), step=step)
    raise_if_requested()


@contextmanager
def logged_seconds(name: str) -> Iterator[None]:
    """Logs the wall time of what it surrounds as the metric `seconds/<name>`.

    It is no part of an artifact: equal runs shall give equal files.
    """
    started = time.perf_counter()
    yield
    _log({f"{mlflow_names.SECONDS}/{name}": time.perf_counter() - started})


REUSED = mlflow_names.REUSED + "/{}"
"""Metric that is 1 where a run took an artifact which an earlier one had made, else 0."""


def log_reuse(artifact: str, reused: bool) -> None:
    """Logs whether a costly artifact was taken from an earlier run: its seconds are missing."""
    _log({REUSED.format(artifact): float(reused)})
