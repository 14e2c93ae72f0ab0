"""Collects the results of a run in one folder."""

from __future__ import annotations

import logging
from pathlib import Path

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from bdgf.core.digests import digest_path
from bdgf.framework.hooks.artifacts import saved_files
from bdgf.framework.latest_folder import LATEST, replace_folder

log = logging.getLogger(__name__)

_REPORTING = "08_reporting"
RESULTS = {
    "report": (
        *("report", "metrics", "per_class_table", "confusion_matrix_table"),
        *("class_map", "uncertainty_map", "set_size_map", "split"),
        *("class_map_figure", "uncertainty_figure", "confusion_matrix_figure", "curves_figure"),
    ),
    "target_report": (
        *("target_report", "target_metrics", "target_per_class_table"),
        *("target_confusion_matrix_table", "target_quick_look"),
        *("target_class_map", "target_uncertainty_map", "target_probabilities"),
        "target_set_size_map",
    ),
}
"""Report -> the entries that belong into one folder with it."""


class ResultHooks:
    """Collects the results of a run in `data/08_reporting/<scene>/latest/`."""

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Fills the folder of each report that the run wrote."""
        data = Path(catalog.load("params:data_folder"))
        for report, entries in RESULTS.items():
            if report not in pipeline.all_outputs():
                continue
            of_run = [name for name in entries if name in pipeline.datasets()]
            files = [file for name in of_run for file in _files(catalog, name)]
            folder = latest_folder(data, saved_files(catalog.get(report))[0])
            replace_folder(folder, files)
            log.info("all results: %s", shown(folder))


def latest_folder(data: Path, report: Path) -> Path:
    """The folder that belongs to the report of a scene below the data folder."""
    reporting = (Path.cwd() / data / _REPORTING).resolve()
    return reporting / (Path.cwd() / report).resolve().relative_to(reporting).parts[0] / LATEST


def shown(path: Path) -> Path:
    """The path as a user would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _files(catalog: CatalogProtocol, name: str) -> list[Path]:
    files = saved_files(catalog.get(name))
    return [file for file in files if file != digest_path(files[0])]
