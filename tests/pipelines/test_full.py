"""The whole way on the fabricated demo scene, as a user types it."""

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import rasterio

from bdgf.core.weights import read_weights
from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.datasets.weights import configuration_path
from bdgf.features.scene_tensors import scene_tensors
from bdgf.inference.smoothing import SmoothingSettings, smooth_probabilities
from bdgf.models.registry import MODELS
from bdgf.scenes.scene import valid_mask
from tests.pipelines.project import Project

REPORTS = [
    *("metrics.json", "per_class.csv", "confusion_matrix.csv", "class_map.png"),
    *("uncertainty.png", "confusion_matrix.png", "curves.png"),
]
ENTRIES = {
    "02_intermediate": ["scene.nc"],
    "03_primary": ["prepared_scene.nc", "split.tif"],
    "04_feature": ["feature_cube.h5"],
    "06_models": [
        *("preparation.safetensors", "denoiser.safetensors", "bdgf/classifier.safetensors"),
    ],
    "07_model_output": ["predictions.nc", "class_map.tif", "uncertainty_map.tif"],
    "08_reporting": REPORTS,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("full") / "project")


@pytest.fixture(scope="module")
def first_run(project: Project) -> str:
    return project.done("full")


def test_every_artifact_is_a_version(project: Project, first_run: str) -> None:
    for layer, names in ENTRIES.items():
        for name in names:
            assert len(project.versions(f"{layer}/demo/{name}")) == 1, name
    assert not [path for path in project.files() if ".part" in path.name]


def test_the_run_ends_with_where_things_are(first_run: str) -> None:
    assert "data/08_reporting/demo/metrics.json/" in first_run
    assert "data/07_model_output/demo/class_map.tif/" in first_run
    assert "kedro mlflow ui" in first_run
    assert "Warning" not in first_run


def test_the_metrics_file_keeps_its_contract(project: Project, first_run: str) -> None:
    metrics = project.metrics("demo")
    for name in ("overall_accuracy", "average_accuracy", "kappa", "leakage", "calibration_error"):
        assert -1 <= metrics[name] <= 1
    confusion = np.array(metrics["confusion_matrix"])
    assert confusion.shape == (6, 6)
    assert confusion.sum() == metrics["split"]["test"]
    assert metrics["overall_accuracy"] == pytest.approx(np.trace(confusion) / confusion.sum())
    assert metrics["split"]["name"] == "official"
    assert metrics["seed"] == 0
    assert metrics["model"] == "bdgf"
    assert metrics["parameters"] > 1000
    assert set(next(iter(metrics["per_class"].values()))) == {
        "precision",
        "recall",
        "f1",
        "support",
    }


def test_the_class_map_keeps_its_contract(project: Project, first_run: str) -> None:
    (path,) = project.versions("07_model_output/demo/class_map.tif")
    with rasterio.open(path) as source:
        classes, colors = source.read(1), source.colormap(1)
        assert source.crs.to_epsg() == 32632
        assert not source.transform.is_identity
    assert classes.dtype == np.uint8
    assert set(np.unique(classes)) <= set(range(7))
    assert len({colors[i] for i in range(7)}) == 7


def test_the_mlflow_run_tells_what_it_was(project: Project, first_run: str) -> None:
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        tags = dict(database.execute("select key, value from tags"))
        parameters = dict(database.execute("select key, value from params"))
        metrics = {row[0] for row in database.execute("select distinct key from metrics")}
        curve = database.execute("select count(*) from metrics where key = 'pretrain/loss'")
        assert curve.fetchone()[0] > 1
    assert {
        "scene": "demo",
        "seed": "0",
        "split": "official",
        "model": "bdgf",
    }.items() <= tags.items()
    assert tags["mlflow.runName"] == "demo full seed 0 (test)"
    assert parameters["train.epochs"]
    assert {
        "overall_accuracy",
        "kappa",
        "seconds.fit",
        "seconds.predict",
        "pretrain/balance_index",
        "train/loss_cnn",
    } <= metrics
    assert {"pretrain/mask_rate_optical", "train/loss_entropy", "validation/loss"} <= metrics
    logged = {path.name for path in (project.folder / "mlruns").rglob("*") if path.is_file()}
    assert {"metrics.json", "class_map.tif", "class_map.png", "classifier.safetensors"} <= logged


def test_evaluating_again_gives_the_same_metrics(project: Project, first_run: str) -> None:
    printed = project.done("evaluate")
    assert project.metrics("demo", -1) == project.metrics("demo", 0)
    assert "train classifier" not in printed
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        names = dict(database.execute("select run_uuid, name from runs"))
        epochs = dict(
            database.execute("select run_uuid, value from params where key='train.epochs'")
        )
    # The run that only scored says what the model was trained with.
    assert {names[run]: n for run, n in epochs.items()}.keys() == set(names.values())


def test_probabilities_are_smoothed_on_demand(project: Project, first_run: str) -> None:
    project.done("evaluate", inference__smoothing__sigma=1.5, inference__smoothing__contrast=0.4)
    drawn = project.versions("07_model_output/demo/predictions.nc")
    plain, smoothed, prepared = (
        NetCDFDataset(filepath=str(path)).load()
        for path in (drawn[0], drawn[-1], project.versions("03_primary/demo/prepared_scene.nc")[0])
    )
    wanted = smooth_probabilities(
        plain["probabilities"].to_numpy(),
        scene_tensors(prepared).channels.numpy(),
        valid_mask(prepared),
        SmoothingSettings(sigma=1.5, contrast=0.4),
    )
    np.testing.assert_allclose(smoothed["probabilities"], wanted, atol=1e-6)
    assert not np.allclose(plain["probabilities"], wanted, atol=1e-3)


def test_a_second_run_reuses_what_is_costly_and_gives_the_same(
    project: Project, first_run: str
) -> None:
    printed = project.done("full")
    assert "reusing the pretrained denoiser" in printed
    assert "reusing the feature cube" in printed
    assert project.metrics("demo", -1) == project.metrics("demo", 0)
    cubes = project.versions("04_feature/demo/feature_cube.h5")
    assert len(cubes) == 2
    assert cubes[0].samefile(cubes[1])


def test_the_same_seed_gives_the_same_weights_from_nothing(
    project: Project, first_run: str, tmp_path: Path
) -> None:
    other = Project.create(tmp_path / "other")
    other.done("full")
    assert other.metrics("demo") == project.metrics("demo", 0)
    for name in ("denoiser", "bdgf/classifier"):
        entry = f"06_models/demo/{name}.safetensors"
        one, two = (read_weights(p.versions(entry)[0]) for p in (project, other))
        assert one.tensors.keys() == two.tensors.keys()
        for key, tensor in one.tensors.items():
            assert tensor.equal(two.tensors[key]), key


def test_another_model_comes_without_features_and_stands_beside(
    project: Project, first_run: str
) -> None:
    before = {name: len(project.versions(f"08_reporting/demo/{name}")) for name in REPORTS}
    cubes = project.versions("04_feature/demo/feature_cube.h5")
    printed = project.done("full", model="random_forest", baselines__random_forest__trees=10)
    assert "pretrain" not in printed
    assert "demo, random_forest, split official" in printed
    assert project.versions("04_feature/demo/feature_cube.h5") == cubes
    for name, count in before.items():
        assert len(project.versions(f"08_reporting/demo/{name}")) == count + 1, name
    metrics = project.metrics("demo")
    assert metrics["model"] == "random_forest"
    assert metrics["leakage"] <= project.metrics("demo", 0)["leakage"]
    assert len(project.versions("06_models/demo/random_forest/classifier.skops")) == 1

    with sqlite3.connect(project.folder / "mlflow.db") as database:
        logged = {row[0] for row in database.execute("select key from params")}
    assert "baselines.random_forest.trees" in logged
    assert not any(name.startswith("baselines.svm") for name in logged)  # of another model

    line = project.refused("report")
    assert "is model 'random_forest', not 'bdgf'" in line
    assert "kedro run --pipeline=evaluate --params dataset=demo,model=bdgf" in line
    project.done("evaluate")  # the latest of that model, not the latest of all
    assert project.metrics("demo") == project.metrics("demo", 0)
    line = project.refused("evaluate", model="svm")
    assert "scene 'demo' has no classifier yet" in line
    assert "kedro run --pipeline=train --params dataset=demo,model=svm" in line


def test_another_split_asks_for_training_before_it_is_scored(
    project: Project, first_run: str
) -> None:
    project.done("prepare", split__name="per_class", split__per_class=5)
    line = project.refused("evaluate")
    assert "split of scene 'demo' is not the one" in line
    assert "kedro run --pipeline=train --params dataset=demo,model=bdgf" in line
    metrics = project.versions("08_reporting/demo/metrics.json")
    project.done("train")
    project.done("evaluate")
    assert len(project.versions("08_reporting/demo/metrics.json")) == len(metrics) + 1
    assert project.metrics("demo")["split"]["name"] == "per_class"


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_every_model_goes_the_whole_way(project: Project, first_run: str, model: str) -> None:
    project.done("train", model=model)
    project.done("evaluate", model=model)
    project.done("report", model=model)
    assert project.metrics("demo")["model"] == model


def test_the_balance_of_the_denoiser_is_measured(project: Project, first_run: str) -> None:
    printed = project.done("balance")
    (path,) = project.versions("08_reporting/demo/modality_balance.json")
    assert f"data/08_reporting/demo/modality_balance.json/{path.parent.name}" in printed
    record = json.loads(path.read_text())
    assert (record["scene"], record["strategy"], record["seed"]) == ("demo", "adaptive", 0)
    shares = [value for name, value in record.items() if name.startswith("feature_share_")]
    assert sum(shares) == pytest.approx(1)
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        metrics = {row[0] for row in database.execute("select distinct key from metrics")}
    assert {"feature_balance_index", "probe_average_accuracy_all"} <= metrics


def test_weights_stand_beside_their_configuration(project: Project, first_run: str) -> None:
    path = project.versions("06_models/demo/bdgf/classifier.safetensors")[0]
    config = json.loads(configuration_path(path).read_text())
    assert config["scene"] == "demo"
    assert config["train"]["classifier"]["branches"] == ["cnn", "mamba", "transformer"]
