"""A MapModel in MLflow: loaded anywhere, by nothing but MLflow and bdgf, it draws the same map."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlparse

import mlflow
import numpy as np
import pytest
from mlflow.exceptions import MlflowException

from bdgf.framework.mlflow_model import log_map_model, pinned_requirements
from bdgf.inference.array_model import FOLDER, arrays_of_scene, example_arrays
from bdgf.inference.map_model_folder import files_of_a_copy
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.small_models import small_model, small_scene

FRESH = """
import sys
for package in ("kedro", "kedro_mlflow", "kedro_datasets"):
    sys.modules[package] = None  # importing it raises ImportError
import mlflow, numpy
model = mlflow.pyfunc.load_model(sys.argv[1])
maps = model.predict(dict(numpy.load(sys.argv[2])))
numpy.savez(sys.argv[3], **maps)
"""


@pytest.fixture
def saved(tmp_path: Path) -> list[Path]:
    path = tmp_path / "version" / "map_model.json"
    small_model("bdgf").save(path)
    return files_of_a_copy(path)


def kept(model_id: str) -> Path:
    """The folder that MLflow keeps."""
    place = mlflow.MlflowClient().get_logged_model(model_id).artifact_location
    return Path(urlparse(place).path)


@pytest.mark.slow  # it imports all anew
def test_a_fresh_process_without_kedro_draws_the_same_map(
    tmp_path: Path,
    saved: list[Path],
    active_run: mlflow.ActiveRun,
) -> None:
    model, scene = small_model("bdgf"), small_scene()
    logged = log_map_model(model, saved, example_arrays(DatasetWindows(scene)))
    np.savez(tmp_path / "arrays.npz", **arrays_of_scene(scene))
    paths = [str(tmp_path / name) for name in ("arrays.npz", "maps.npz")]
    folder = kept(logged.model_id)
    subprocess.run([sys.executable, "-c", FRESH, str(folder), *paths], check=True, timeout=120)
    drawn, wanted = np.load(paths[1]), model.predict(scene)
    for layer in ("class_map", "uncertainty_map", "probabilities"):
        np.testing.assert_array_equal(drawn[layer], wanted[layer].to_numpy(), strict=True)


def test_what_mlflow_keeps_is_no_code_no_pickle_and_no_second_copy(
    saved: list[Path],
    active_run: mlflow.ActiveRun,
) -> None:
    example = example_arrays(DatasetWindows(small_scene()))
    logged = log_map_model(small_model("bdgf"), saved, example)
    folder = kept(logged.model_id)
    suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert not suffixes & {".pkl", ".pickle", ".py", ".pt", ".joblib"}
    for file in saved:
        assert (folder / FOLDER / file.name).samefile(file)
    told = mlflow.pyfunc.load_model(f"models:/{logged.model_id}")
    assert told.metadata.get_input_schema().input_names() == ["optical", "height", "sar"]
    assert told.metadata.get_output_schema().input_names() == [
        *("class_map", "uncertainty_map", "probabilities")
    ]
    np.testing.assert_array_equal(told.predict(told.input_example)["class_map"].shape, (8, 8))
    assert told.get_raw_model().scene == "small"
    with pytest.raises(MlflowException, match="does not match expected dtype float32"):
        told.predict({name: values.astype(float) for name, values in example.items()})


@pytest.mark.slow
def test_registered_it_is_the_next_version_of_that_name(
    saved: list[Path],
    active_run: mlflow.ActiveRun,
) -> None:
    model = small_model("bdgf")
    versions = [
        int(log_map_model(model, saved, register=name).registered_model_version)
        for name in ("land cover", "land cover", "other")
    ]
    assert versions == [1, 2, 1]
    loaded = mlflow.pyfunc.load_model("models:/land cover/2").get_raw_model()
    scene = small_scene()
    np.testing.assert_array_equal(loaded.predict(scene).class_map, model.predict(scene).class_map)


def test_requirements_are_pinned_to_what_is_installed() -> None:
    found = dict(line.split("==") for line in pinned_requirements())
    assert found["numpy"] == version("numpy")
    assert found["bdgf"] == version("bdgf")
    assert {"torch", "scikit-learn", "skops", "safetensors", "xarray"} <= found.keys()
    assert all(re.fullmatch(r"[0-9][\w.]*", number) for number in found.values())
