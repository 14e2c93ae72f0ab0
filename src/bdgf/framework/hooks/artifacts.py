"""Logs files and figures of the catalog to the MLflow run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol, DatasetError

from bdgf.core.digests import digest_path
from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.framework.mlflow_names import logged_metrics


class ArtifactHooks:
    """Puts the files and figures that the catalog marks into the MLflow run.

    An entry with `metadata: {mlflow: {artifact_path: maps}}` is logged as the file it was just
    saved to; with `metadata: {mlflow: {metrics: true}}` its numbers are logged as metrics, see
    `bdgf.framework.mlflow_names`.
    """

    def __init__(self) -> None:
        self._catalog: CatalogProtocol | None = None

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol) -> None:
        """Remembers the catalog: saved values are passed without their dataset."""
        self._catalog = catalog

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Logs the file that was saved and the numbers in it, as the entry asks."""
        import mlflow

        run = mlflow.active_run()
        if run is None or self._catalog is None:
            return
        dataset = self._catalog.get(dataset_name)
        wish = (getattr(dataset, "metadata", None) or {}).get("mlflow") or {}
        if wish.get("metrics"):
            mlflow.log_metrics(logged_metrics(data))
            # What was scored knows better than the command line what it was trained with.
            mlflow.set_tags(
                {"model": data["model"], "split": data["split"]["name"], "seed": data["seed"]}
            )
        folder = wish.get("artifact_path")
        if folder:
            for path in saved_files(dataset):
                mlflow.log_artifact(str(path), artifact_path=folder)


def saved_files(dataset: Any) -> list[Path]:
    """The files that `dataset` was last saved to, that of their digests last.

    Kedro offers no public way to the versioned path; a test holds this private one.

    Raises:
        DatasetError: Nothing was saved yet.
    """
    path = Path(dataset._get_load_path())
    if not path.exists():
        raise DatasetError(f"{path} was not written")
    files = dataset.companions(path) if isinstance(dataset, LocalVersionedDataset) else [path]
    return [*files, *(file for file in [digest_path(path)] if file.exists())]
