"""What of a run's artifacts reaches MLflow."""

from pathlib import Path

import mlflow
import pytest
import xarray as xr
from kedro.io import DataCatalog, DatasetError, MemoryDataset, Version
from kedro_datasets.json import JSONDataset

from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.framework.hooks.artifacts import ArtifactHooks, saved_files
from tests.framework.hooks.small_metrics import METRICS


def test_marked_entries_reach_the_mlflow_run(tmp_path: Path, active_run) -> None:  # type: ignore[no-untyped-def]
    dataset = JSONDataset(
        filepath=str(tmp_path / "metrics.json"),
        version=Version(None, "2026-01-01"),
        metadata={"mlflow": {"artifact_path": "reports", "metrics": True}},
    )
    catalog = DataCatalog({"metrics": dataset, "other": MemoryDataset(1)})
    hooks = ArtifactHooks()
    hooks.after_catalog_created(catalog)
    dataset.save(METRICS)
    hooks.after_dataset_saved("metrics", METRICS)
    hooks.after_dataset_saved("other", 1)

    logged = mlflow.get_run(active_run.info.run_id).data
    assert logged.metrics["oa"] == 0.9
    assert logged.metrics["class/trees _old_/f1"] == 0.7
    assert logged.tags["model"] == "bdgf"
    assert logged.tags["split"] == "official"
    files = mlflow.MlflowClient().list_artifacts(active_run.info.run_id, "reports")
    assert [file.path for file in files] == ["reports/metrics.json"]


def test_without_a_run_nothing_is_logged() -> None:
    ArtifactHooks().after_dataset_saved("metrics", METRICS)


def test_saved_files_are_those_of_the_version_just_saved(tmp_path: Path) -> None:
    dataset = NetCDFDataset(filepath=str(tmp_path / "a.nc"), version=Version(None, "v1"))
    with pytest.raises(DatasetError):
        saved_files(dataset)
    dataset.save(xr.Dataset({"a": ("x", [1.0])}))
    folder = tmp_path / "a.nc" / "v1"
    assert saved_files(dataset) == [folder / "a.nc", folder / "a.nc.sha256"]
