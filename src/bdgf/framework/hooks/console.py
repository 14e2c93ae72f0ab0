"""Messages on the screen during a run and at its end."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Node, Pipeline

from bdgf.framework.hooks.artifacts import saved_files
from bdgf.framework.mlflow_table import table_address
from bdgf.framework.provenance import kedro_program

log = logging.getLogger(__name__)


class ReportingHooks:
    """Shows what runs, and at the end the metrics, the files and the next commands."""

    RESULTS = (
        *("metrics", "class_map", "report", "modality_balance"),
        *("target_metrics", "target_class_map", "target_uncertainty_map", "target_report"),
    )

    def __init__(self) -> None:
        self._started, self._nodes = 0, 0
        self._context: KedroContext | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Keeps it, to say at the end where MLflow is."""
        self._context = context

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Counts the nodes to come."""
        self._started, self._nodes = 0, len(pipeline.nodes)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Logs one line a node."""
        self._started += 1
        log.info("[%d/%d] %s", self._started, self._nodes, node.short_name.replace("_", " "))

    @hook_impl(trylast=True)
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Logs one line a result."""
        made = [name for name in self.RESULTS if name in pipeline.all_outputs()]
        for name in made:
            path = saved_files(catalog.get(name))[0]
            path = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            if name.endswith("metrics"):
                log.info("%s", summary(catalog.load(name)))
            log.info("%s: %s", name.replace("_", " "), path)
        if made:
            log.info("compare runs: %s mlflow ui%s", kedro_program(), self._table())

    def _table(self) -> str:
        # The attribute is kedro-mlflow's: without MLflow there is none.
        mlflow: Any = getattr(self._context, "mlflow", None)
        experiment = mlflow and mlflow.tracking.experiment._experiment
        if not experiment:
            return ""
        uri, pages = str(mlflow.server.mlflow_tracking_uri), mlflow.ui
        server = uri if uri.startswith("http") else f"http://{pages.host}:{pages.port}"
        found = table_address(server, experiment.experiment_id, experiment.tags)
        return f", then open {found}"


def summary(metrics: Mapping[str, Any]) -> str:
    """The headline figures of a metrics file in one line."""
    shown = {"OA": "overall_accuracy", "AA": "average_accuracy", "kappa": "kappa"}
    figures = ", ".join(f"{short} {100 * metrics[name]:.2f} %" for short, name in shown.items())
    split = metrics["split"]
    leaking = metrics["leakage"]
    leakage = "unknown" if leaking is None else f"{100 * leaking:.1f} %"
    return (
        f"{metrics['scene']}, {metrics['model']}, split {split['name']}, seed {metrics['seed']}: "
        f"{figures} on {split['test']} test pixels; leakage {leakage}, "
        f"calibration error {100 * metrics['calibration_error']:.1f} %{_sets(metrics)}"
    )


def _sets(metrics: Mapping[str, Any]) -> str:
    if "sets" not in metrics:
        return ""
    sets = metrics["sets"]
    return (
        f"; prediction sets of {100 * sets['coverage_stated']:.0f} % hold the right class in "
        f"{100 * sets['coverage_measured']:.1f} %, of {sets['mean_size']:.2f} classes"
    )
