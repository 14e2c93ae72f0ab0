"""Which scene a run worked on, in MLflow."""

from pathlib import Path
from typing import Any

import mlflow
import pytest
import xarray as xr
from kedro.io import DataCatalog, MemoryDataset, Version
from kedro.pipeline import Node, Pipeline

from bdgf.core.digests import file_digest
from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.framework.hooks.inputs import InputHooks


@pytest.fixture
def catalog(tmp_path: Path) -> DataCatalog:
    entries: dict[str, Any] = {
        name: NetCDFDataset(filepath=str(tmp_path / f"{name}.nc"), version=Version(None, "v1"))
        for name in ("scene", "prepared_scene")
    }
    for number, dataset in enumerate(entries.values()):
        dataset.save(xr.Dataset({"a": ("x", [float(number)])}))
    return DataCatalog({**entries, "params:dataset": MemoryDataset("coast")})


def pipeline(inputs: list[str], output: str, step: str = "prepare") -> Pipeline:
    return Pipeline([Node(lambda *given: 1, inputs, output, name="n", tags=step)])


@pytest.mark.parametrize(
    ("inputs", "step", "output", "logged", "purpose"),
    [
        (["scene", "prepared_scene"], "train", "classifier", "prepared_scene", "training"),
        (["prepared_scene"], "evaluate", "metrics", "prepared_scene", "evaluation"),
        (["scene"], "report", "report", "scene", "report"),
        (["params:dataset"], "ingest", "scene", "scene", "ingestion"),
    ],
)
def test_the_scene_is_logged_once_with_its_digest(
    catalog: DataCatalog,
    tmp_path: Path,
    active_run: Any,
    inputs: list[str],
    step: str,
    output: str,
    logged: str,
    purpose: str,
) -> None:
    hooks = InputHooks()
    hooks.before_pipeline_run(pipeline(inputs, output, step), catalog)
    for name in ("scene", "prepared_scene"):
        hooks.after_dataset_saved(name)
        hooks.after_dataset_loaded(name)
    (found,) = mlflow.get_run(active_run.info.run_id).inputs.dataset_inputs
    assert found.dataset.name == "coast"
    whole = file_digest(tmp_path / f"{logged}.nc" / "v1" / f"{logged}.nc")
    assert whole.startswith(found.dataset.digest)
    assert {tag.value for tag in found.tags} == {purpose}


def test_without_a_run_or_a_scene_nothing_is_logged(catalog: DataCatalog) -> None:
    hooks = InputHooks()
    hooks.before_pipeline_run(pipeline(["scene"], "prepared_scene"), catalog)
    hooks.after_dataset_loaded("prepared_scene")
    hooks.after_dataset_loaded("metrics")
