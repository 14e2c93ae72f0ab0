"""Which models of a run reach MLflow."""

from pathlib import Path

import mlflow
import pytest
from kedro.io import DataCatalog, MemoryDataset, Version
from kedro.pipeline import Node, Pipeline

from bdgf.core.errors import SettingsError
from bdgf.datasets.map_model import MapModelDataset
from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.framework.hooks.models import ModelHooks
from bdgf.framework.made_from import FILE, MadeFrom
from tests.inference.small_models import small_model, small_scene

TRAIN = Pipeline([Node(lambda one: 1, "one", "map_model", name="n")])
OTHER = Pipeline([Node(lambda one: 1, "one", "metrics", name="n")])


def hooks(folder: Path, register: object = None) -> ModelHooks:
    """After a model was saved."""
    scene = NetCDFDataset(filepath=str(folder / "scene.nc"), version=Version(None, "1"))
    scene.save(small_scene())
    dataset = MapModelDataset(filepath=str(folder / "map_model.json"), version=Version(None, "2"))
    dataset.beside = {FILE: MadeFrom({"scene": "1"}, {}).text()}
    dataset.save(small_model("random_forest"))
    catalog = DataCatalog(
        {
            "scene": NetCDFDataset(filepath=str(folder / "scene.nc"), version=Version(None, None)),
            "map_model": dataset,
            "params:mlflow": MemoryDataset({"register": register}),
        }
    )
    found = ModelHooks()
    found.after_catalog_created(catalog)
    return found


def logged(run: mlflow.ActiveRun) -> list[str]:
    outputs = mlflow.get_run(run.info.run_id).outputs
    return [one.model_id for one in outputs.model_outputs] if outputs else []


def test_a_saved_model_is_logged_with_a_window_of_its_scene(
    tmp_path: Path, active_run: mlflow.ActiveRun
) -> None:
    found = hooks(tmp_path)
    found.after_dataset_saved("classifier", None)
    assert logged(active_run) == []
    found.after_dataset_saved("map_model", small_model("random_forest"))
    (model,) = logged(active_run)
    example = mlflow.pyfunc.load_model(f"models:/{model}").input_example
    assert {name: values.shape for name, values in example.items()} == {
        "optical": (8, 8, 8),
        "height": (1, 8, 8),
        "sar": (2, 8, 8),
    }
    assert mlflow.MlflowClient().search_registered_models() == []


def test_without_the_scene_there_is_no_example(
    tmp_path: Path, active_run: mlflow.ActiveRun
) -> None:
    found = hooks(tmp_path)
    (tmp_path / "scene.nc" / "1" / "scene.nc").unlink()
    found.after_dataset_saved("map_model", small_model("random_forest"))
    (model,) = logged(active_run)
    assert mlflow.pyfunc.load_model(f"models:/{model}").input_example is None


@pytest.mark.parametrize("register", [None, "land cover"])
def test_models_of_a_bench_are_kept_if_a_name_asks_for_it(
    tmp_path: Path, active_run: mlflow.ActiveRun, register: str | None
) -> None:
    active_run.data.tags["bench.suite"] = "models"  # as a run has it from its first moment
    hooks(tmp_path, register).after_dataset_saved("map_model", small_model("random_forest"))
    assert len(logged(active_run)) == (register is not None)
    names = [one.name for one in mlflow.MlflowClient().search_registered_models()]
    assert names == [register] * (register is not None)


def test_what_cannot_be_registered_is_refused_before_anything_runs() -> None:
    def begin(register: object, pipeline: Pipeline) -> None:
        catalog = DataCatalog({"params:mlflow": MemoryDataset({"register": register})})
        ModelHooks().before_pipeline_run(pipeline=pipeline, catalog=catalog)

    begin(None, OTHER)
    begin("land cover", TRAIN)
    with pytest.raises(SettingsError, match="nothing is trained here"):
        begin("land cover", OTHER)
    with pytest.raises(SettingsError, match=r"parameter 'mlflow.register' is 'a/b': "):
        begin("a/b", TRAIN)


def test_without_a_run_nothing_is_logged(tmp_path: Path) -> None:
    assert mlflow.active_run() is None
    hooks(tmp_path).after_dataset_saved("map_model", small_model("random_forest"))
