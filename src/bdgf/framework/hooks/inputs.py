"""The dataset of the MLflow run: the scene, identified by the digest of its pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from bdgf.core.digests import digest_path
from bdgf.datasets.absent import AbsentDataset
from bdgf.framework.mlflow_races import made_by_either
from bdgf.framework.run_kind import purpose

_ENTRIES = ("prepared_scene", "scene")
_DIGEST = 12
"""Characters of a digest that tell it from others, and that fit MLflow's table."""


class InputHooks:
    """Logs the scene that a run works on as MLflow's dataset, with its digest.

    It is the prepared scene where the run has to do with it, for that is what a model sees; else
    the scene as it was read.
    """

    def __init__(self) -> None:
        self._catalog: CatalogProtocol | None = None
        self._entry, self._purpose = "", ""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Chooses the entry."""
        entries = pipeline.datasets()
        self._catalog = catalog
        self._entry = next((e for e in _ENTRIES if e in entries), "")
        self._purpose = purpose(pipeline)

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str) -> None:
        """Logs the scene that was read."""
        self._log(dataset_name)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Logs the scene that was made."""
        self._log(dataset_name)

    def _log(self, entry: str) -> None:
        import mlflow

        if entry != self._entry or self._catalog is None or mlflow.active_run() is None:
            return
        from mlflow.data.dataset_source_registry import resolve_dataset_source
        from mlflow.data.meta_dataset import MetaDataset

        saved: Any = self._catalog.get(entry)
        if isinstance(saved, AbsentDataset):
            return
        place = Path(saved._get_load_path())
        beside = digest_path(place)
        if not beside.exists():
            return
        name, digest = str(self._catalog.load("params:dataset")), beside.read_text().split()[0]
        self._entry = ""  # once a run
        source = resolve_dataset_source(str(place))
        dataset = MetaDataset(source=source, name=name, digest=digest[:_DIGEST])
        made_by_either(lambda: mlflow.log_input(dataset, context=self._purpose))
