"""What is refused before any node starts, and what a model does without."""

from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro_datasets.json import JSONDataset

from bdgf.core.errors import MissingArtifactError, SettingsError
from bdgf.datasets.absent import AbsentDataset
from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.framework.hooks.checks import CheckHooks, leave_features_out, leave_optional_out
from bdgf.pipeline_registry import register_pipelines


@pytest.fixture(scope="module")
def pipelines() -> dict[str, Pipeline]:
    return register_pipelines()


def catalog(pipeline: Pipeline, model: str, **given: Any) -> DataCatalog:
    """Entries for all inputs of a pipeline, each in memory."""
    entries = {name: MemoryDataset({}) for name in pipeline.inputs()}
    entries["params:model"] = MemoryDataset(model)
    return DataCatalog({**entries, **given})


@pytest.mark.parametrize("name", ["train", "evaluate", "report"])
def test_a_model_without_features_reads_none_in_their_place(
    pipelines: dict[str, Pipeline], name: str
) -> None:
    entries = catalog(pipelines[name], "svm")
    leave_features_out(pipelines[name], entries)
    absent = {key for key in pipelines[name].inputs() if isinstance(entries[key], AbsentDataset)}
    assert absent == pipelines[name].inputs() & {"denoiser", "feature_cube"}
    assert absent
    assert all(entries.load(key) is None for key in absent)


@pytest.mark.parametrize(("name", "model"), [("train", "bdgf"), ("features", "svm")])
def test_whoever_needs_features_gets_them(
    pipelines: dict[str, Pipeline], name: str, model: str
) -> None:
    entries = catalog(pipelines[name], model)
    leave_features_out(pipelines[name], entries)
    assert not any(isinstance(entries[key], AbsentDataset) for key in pipelines[name].inputs())


@pytest.mark.parametrize(("name", "spared"), [("evaluate", True), ("full", False)])
def test_a_report_does_without_a_scene_that_was_deleted(
    pipelines: dict[str, Pipeline], tmp_path: Path, name: str, spared: bool
) -> None:
    pipeline = pipelines[name] - pipelines["ingest"]
    gone = {"scene": JSONDataset(filepath=str(tmp_path / "absent.json"))}
    entries = catalog(pipeline, "svm", **gone)
    leave_optional_out(pipeline, entries)
    assert isinstance(entries["scene"], AbsentDataset) == spared
    entries = catalog(pipeline, "svm")  # in memory: there it is
    leave_optional_out(pipeline, entries)
    assert not isinstance(entries["scene"], AbsentDataset)


def test_a_parameter_that_cannot_be_is_refused(pipelines: dict[str, Pipeline]) -> None:
    pipeline = pipelines["ingest"]
    wrong = {"params:ingest": MemoryDataset({"folders": []})}
    wrong["params:dataset"] = MemoryDataset("demo")
    with pytest.raises(SettingsError, match=r"ingest\.folders"):
        CheckHooks().before_pipeline_run({}, pipeline, catalog(pipeline, "bdgf", **wrong))


def test_an_input_that_was_not_made_says_what_makes_it(
    pipelines: dict[str, Pipeline], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kedro.framework.project.pipelines", pipelines)
    pipeline = pipelines["prepare"]
    given = {
        "scene": JSONDataset(filepath=str(tmp_path / "absent.json")),
        "params:preparation": MemoryDataset({}),
        "params:split": MemoryDataset({}),
        "params:train.classifier.patch": MemoryDataset(11),
        "params:train": MemoryDataset({}),
        "params:seed": MemoryDataset(0),
        "params:dataset": MemoryDataset("coast"),
    }
    with pytest.raises(MissingArtifactError, match=r"'coast' has no scene.*pipeline=ingest"):
        CheckHooks().before_pipeline_run({}, pipeline, catalog(pipeline, "bdgf", **given))


def test_an_input_knows_what_makes_it_where_it_is_damaged(
    pipelines: dict[str, Pipeline], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kedro.framework.project.pipelines", pipelines)
    scene = NetCDFDataset(filepath=str(tmp_path / "scene.nc"))
    scene.save(xr.Dataset({"a": ("x", [1.0])}))
    pipeline = pipelines["prepare"]
    given = {
        "scene": scene,
        "params:preparation": MemoryDataset({}),
        "params:split": MemoryDataset({}),
        "params:train.classifier.patch": MemoryDataset(11),
        "params:train": MemoryDataset({}),
        "params:seed": MemoryDataset(0),
        "params:dataset": MemoryDataset("coast"),
    }
    CheckHooks().before_pipeline_run({}, pipeline, catalog(pipeline, "svm", **given))
    command = "kedro run --pipeline=ingest --params dataset=coast,model=svm"
    assert scene.remedy == f"make it again: {command}"
