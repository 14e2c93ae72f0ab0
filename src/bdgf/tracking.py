"""Live curves into the active MLflow run, without the trainers knowing MLflow."""

from __future__ import annotations

from collections.abc import Mapping


class MlflowMetricLogger:
    """A `MetricLogger` that writes to the active MLflow run, or nowhere when there is none."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Logs all of `metrics` at `step` in one request."""
        import mlflow

        if mlflow.active_run() is not None:
            mlflow.log_metrics(dict(metrics), step=step)
