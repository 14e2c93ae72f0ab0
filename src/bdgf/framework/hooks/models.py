"""Logs a trained model to MLflow and registers it."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol, Version

from bdgf.core.errors import SettingsError
from bdgf.framework.hooks.artifacts import saved_files
from bdgf.framework.made_from import MadeFrom

if TYPE_CHECKING:
    import numpy as np
    from kedro.pipeline import Pipeline

log = logging.getLogger(__name__)

MAP_MODEL, SCENE = "map_model", "scene"
GROUP = "mlflow"


class ModelHooks:
    """Logs each MapModel as a model of MLflow, and registers it where `mlflow.register` says so."""

    def __init__(self) -> None:
        self._catalog: CatalogProtocol | None = None

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol) -> None:
        """Remembers the catalog: saved values are passed without their dataset."""
        self._catalog = catalog

    @hook_impl(tryfirst=True)  # before an MLflow run is opened for it
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Refuses a name that cannot be, and one for a run that makes no model.

        Raises:
            SettingsError: In one line.
        """
        from bdgf.framework.validation import check_parameters

        wanted = catalog.load(f"params:{GROUP}")
        check_parameters({GROUP: wanted})
        name = wanted.get("register")
        if name is not None and MAP_MODEL not in pipeline.all_outputs():
            raise SettingsError(
                f"mlflow.register={name} registers the model that `train` makes, and nothing is "
                "trained here; leave it out, or run the pipeline train or full"
            )

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Logs a MapModel that was saved."""
        if dataset_name != MAP_MODEL or self._catalog is None:
            return
        import mlflow

        run = mlflow.active_run()
        if run is None:
            return
        register = self._catalog.load(f"params:{GROUP}").get("register")
        # A bench compares: nobody wants its hundreds of models.
        if "bench.suite" in run.data.tags and register is None:
            return
        if not data.maps_rasters:
            log.info("the model maps no other scene (features.external): not logged as a model")
            return
        from bdgf.framework.mlflow_model import log_map_model
        from bdgf.inference.map_model_folder import files_of_a_copy

        path = saved_files(self._catalog.get(MAP_MODEL))[0]
        name = None if register is None else str(register)
        log_map_model(data, files_of_a_copy(path), self._example(path.parent), name)

    def _example(self, folder: Path) -> dict[str, np.ndarray] | None:
        """A window of the scene that the model of a folder was trained on, where it is there."""
        from bdgf.datasets.netcdf import NetCDFDataset
        from bdgf.inference.array_model import example_arrays
        from bdgf.scenes.scene_windows import DatasetWindows

        assert self._catalog is not None
        entry, version = self._catalog.get(SCENE), MadeFrom.read(folder).versions.get(SCENE)
        if not isinstance(entry, NetCDFDataset) or version is None:
            return None
        stored = NetCDFDataset(
            filepath=str(entry._filepath), lazy=True, version=Version(version, None)
        )
        if not stored.exists():
            return None
        with closing(stored.load()) as scene:
            return example_arrays(DatasetWindows(scene))
