"""The whole way on the fabricated demo scene: once as a user types it, then what came of it."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

import bdgf
from bdgf.core.errors import SettingsError
from bdgf.core.weights import configuration_path, read_weights
from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.features.scene_tensors import scene_tensors
from bdgf.inference.smoothing import SmoothingSettings, smooth_probabilities
from bdgf.models.patch.guidance_choice import GuidanceChoice
from bdgf.models.registry import MODELS
from bdgf.scenes.scene import valid_mask
from tests.pipelines.golden_metrics import GoldenMetrics
from tests.pipelines.project import Project, typed

REPORTS = [
    *("metrics.json", "per_class.csv", "confusion_matrix.csv", "class_map.png"),
    *("uncertainty.png", "confusion_matrix.png", "curves.png", "report.html"),
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


@dataclass(frozen=True)
class Run:
    """What a run of the pipeline `full` made, kept when it ended."""

    printed: str
    made: list[Path]
    metrics: dict[str, Any]
    mlflow_run: str


def ended(project: Project, printed: str, before: list[Path]) -> Run:
    made = sorted(set(project.files()) - set(before))
    mlflow_run, state = project.mlflow_runs()[0]
    assert state == "FINISHED"
    return Run(printed, made, project.metrics("demo"), mlflow_run)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("full") / "project")


@pytest.fixture(scope="module")
def first_run(project: Project) -> Run:
    """In a process of its own; the tests that follow work on what it made, in this process."""
    process = project.process("kedro", "run", *typed("full"))
    printed = "".join(process.communicate())
    assert process.returncode == 0, printed
    return ended(project, printed, before=[])


@pytest.fixture(scope="module")
def forest_run(project: Project, first_run: Run) -> Run:
    before = project.files()
    forest = {"model": "random_forest", "baselines__random_forest__trees": 10}
    printed = project.done("full", mlflow__register="forests", **forest)
    return ended(project, printed, before)


def test_every_artifact_is_a_version(project: Project, first_run: Run) -> None:
    for layer, names in ENTRIES.items():
        for name in names:
            (version,) = project.versions(f"{layer}/demo/{name}")
            made = [path for path in first_run.made if path.parent == version.parent]
            assert {version, version.parent / "made_from.json"} <= set(made), name
    assert not [path for path in first_run.made if ".part" in path.name]


def test_the_run_ends_with_where_things_are(first_run: Run) -> None:
    of = "demo@test/bdgf/official_seed_0"
    assert f"data/08_reporting/{of}/metrics.json/" in first_run.printed
    assert f"data/07_model_output/{of}/class_map.tif/" in first_run.printed
    assert "kedro mlflow ui" in first_run.printed
    assert "Warning" not in first_run.printed


def test_all_results_are_in_one_folder(first_run: Run, project: Project) -> None:
    latest = project.folder / "data" / "08_reporting" / "demo@test" / "latest"
    names = {path.name for path in first_run.made if path.parent == latest}
    assert names >= {*REPORTS, "class_map.tif", "class_map.qml", "split.tif", "split.qml"}
    assert "all results: data/08_reporting/demo@test/latest" in first_run.printed


def test_the_report_tells_what_the_run_was(first_run: Run, project: Project) -> None:
    (path,) = project.versions("08_reporting/demo/bdgf/report.html")[:1]
    report = path.read_text(encoding="utf-8")
    assert f"{100 * first_run.metrics['overall_accuracy']:.1f} %" in report
    for told in (
        *("agreement of the branches", "errors at the scored pixels", "hectares", "EPSG:32632"),
        *("explained noise", "pretrain: loss", "predict scene", "train.epochs", "held-out pixels"),
        *("kedro run --pipeline=full", "fingerprint of the features", "version of split"),
    ):
        assert told in report, told
    assert "http" not in report
    assert len(report) < 2_000_000


def test_the_metrics_file_keeps_its_contract(first_run: Run) -> None:
    metrics = first_run.metrics
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
    decision = metrics["decision"]
    assert sum(member["weight"] for member in decision["members"]) == pytest.approx(1)
    assert {member["name"] for member in decision["members"]} > {"cnn", "mamba", "transformer"}
    assert decision["held_out_blocks"] > 0
    assert set(next(iter(metrics["per_class"].values()))) == {
        "precision",
        "recall",
        "f1",
        "support",
    }


def test_the_metrics_are_the_golden_ones(first_run: Run, golden_metrics: GoldenMetrics) -> None:
    golden_metrics.check("demo", first_run.metrics)


def test_the_class_map_keeps_its_contract(project: Project, first_run: Run) -> None:
    path = project.versions("07_model_output/demo/class_map.tif")[0]
    with rasterio.open(path) as source:
        classes, colors = source.read(1), source.colormap(1)
        assert source.crs.to_epsg() == 32632
        assert not source.transform.is_identity
    assert classes.dtype == np.uint8
    assert set(np.unique(classes)) <= set(range(7))
    assert len({colors[i] for i in range(7)}) == 7


def test_the_mlflow_run_tells_what_it_was(project: Project, first_run: Run) -> None:
    def of_the_run(columns: str) -> list[tuple]:
        return project.query(f"select {columns} where run_uuid = ?", first_run.mlflow_run)

    tags = dict(of_the_run("key, value from tags"))
    parameters = dict(of_the_run("key, value from params"))
    logged_values = [name for (name,) in of_the_run("key from metrics")]
    assert logged_values.count("curve/pretrain/loss") > 1
    assert {
        "scene": "demo",
        "seed": "0",
        "split": "official",
        "model": "bdgf",
    }.items() <= tags.items()
    oa, aa = (first_run.metrics[f"{kind}_accuracy"] for kind in ("overall", "average"))
    assert tags["mlflow.runName"] == f"demo {100 * oa:.1f}/{100 * aa:.1f} bdgf (test)"
    assert parameters["train.epochs"]
    assert {
        *("oa", "aa", "kappa", "ece", "seconds/fit", "seconds/predict"),
        *("curve/pretrain/balance_index", "curve/pretrain/mask_rate_optical"),
        *("curve/train/loss_cnn", "curve/train/loss_entropy", "curve/validation/loss"),
    } <= set(logged_values)
    folder = project.folder / "mlruns" / first_run.mlflow_run
    logged = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"metrics.json", "class_map.tif", "class_map.png"} <= logged


def test_the_model_is_a_model_of_mlflow(project: Project, first_run: Run) -> None:
    query = "select model_id, artifact_location from logged_models where source_run_id = ?"
    ((_, place),) = project.query(query, first_run.mlflow_run)
    kept = project.folder / place.removeprefix("file://") / "map_model" / "map_model.json"
    version = project.versions("06_models/demo/bdgf/map_model.json")[0]
    assert kept.samefile(version)
    assert json.loads((kept.parents[1] / "input_example.json").read_text()).keys() == {
        *("optical", "height", "sar")
    }
    assert project.query("select name from registered_models where name != 'forests'") == []


def test_a_model_is_registered_by_the_name_that_was_typed(
    project: Project, forest_run: Run
) -> None:
    ((name, version, state),) = project.query(
        "select name, version, status from model_versions where run_id = ?", forest_run.mlflow_run
    )
    assert (name, version, state) == ("forests", 1, "READY")
    words = ("mlflow.register=forests", "nothing is trained here")
    project.refused("evaluate", SettingsError, *words, mlflow__register="forests")
    words = ("'mlflow.register'", "'a/b'", "begins with a letter or digit")
    project.refused("train", SettingsError, *words, mlflow__register="a/b")


def test_weights_stand_beside_their_configuration(project: Project, first_run: Run) -> None:
    path = project.versions("06_models/demo/bdgf/classifier.safetensors")[0]
    config = json.loads(configuration_path(path).read_text())
    assert config["scene"] == "demo"
    assert config["train"]["classifier"]["branches"] == ["cnn", "mamba", "transformer"]


@pytest.mark.slow
def test_evaluating_again_gives_the_same_metrics(project: Project, first_run: Run) -> None:
    printed = project.done("evaluate")
    assert project.metrics("demo", -1) == project.metrics("demo", 0)
    assert "train classifier" not in printed
    evaluation, _ = project.mlflow_runs()[0]
    oa, aa = (first_run.metrics[f"{kind}_accuracy"] for kind in ("overall", "average"))
    assert project.query("select name from runs where run_uuid = ?", evaluation) == [
        (f"demo {100 * oa:.1f}/{100 * aa:.1f} bdgf (test)",)
    ]
    # The run that only scored says what the model was trained with.
    scored, trained = (
        project.query("select value from params where run_uuid = ? and key = 'train.epochs'", run)
        for run in (evaluation, first_run.mlflow_run)
    )
    assert scored == trained != []


@pytest.mark.slow
def test_probabilities_are_smoothed_on_demand(project: Project, first_run: Run) -> None:
    smoothing = {"inference__smoothing__sigma": 1.5, "inference__smoothing__contrast": 0.4}
    project.done("evaluate", up_to="predictions", **smoothing)
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


@pytest.mark.slow
def test_a_second_run_reuses_what_is_costly_and_gives_the_same(
    project: Project, first_run: Run
) -> None:
    cubes = project.versions("04_feature/demo/feature_cube.h5")
    printed = project.done("full", up_to="metrics")
    assert re.search("reusing.*denoiser", printed)
    assert re.search("reusing.*feature cube", printed)
    assert project.metrics("demo", -1) == project.metrics("demo", 0)
    again = project.versions("04_feature/demo/feature_cube.h5")
    assert len(again) == len(cubes) + 1
    assert again[-1].samefile(cubes[0])


@pytest.mark.slow  # the quick suite has it of pretraining and training, and the golden metrics
def test_the_same_seed_gives_the_same_weights_from_nothing(
    project: Project, first_run: Run, tmp_path: Path
) -> None:
    other = Project.create(tmp_path / "other")
    other.done("full", up_to="metrics")
    assert other.metrics("demo") == project.metrics("demo", 0)
    for name in ("denoiser", "bdgf/classifier"):
        entry = f"06_models/demo/{name}.safetensors"
        one, two = (read_weights(p.versions(entry)[0]) for p in (project, other))
        assert one.tensors.keys() == two.tensors.keys()
        for key, tensor in one.tensors.items():
            assert tensor.equal(two.tensors[key]), key


@pytest.mark.slow
def test_the_balance_of_the_denoiser_is_measured(project: Project, first_run: Run) -> None:
    printed = project.done("balance")
    (path,) = project.versions("08_reporting/demo/modality_balance.json")
    of = "demo@test/official_seed_0"
    assert f"data/08_reporting/{of}/modality_balance.json/{path.parent.name}" in printed
    record = json.loads(path.read_text())
    assert (record["scene"], record["strategy"], record["seed"]) == ("demo", "none", 0)
    shares = [value for name, value in record.items() if name.startswith("feature_share_")]
    assert sum(shares) == pytest.approx(1)
    run, _ = project.mlflow_runs()[0]
    logged = project.query("select key from metrics where run_uuid = ?", run)
    assert {("balance/feature_balance_index",), ("balance/probe_average_accuracy_all",)} <= set(
        logged
    )


def test_another_model_comes_without_features_and_stands_beside(
    project: Project, forest_run: Run
) -> None:
    assert "pretrain" not in forest_run.printed
    assert "demo, random_forest, split official" in forest_run.printed
    made = [path.name for path in forest_run.made]
    assert set(REPORTS) <= set(made)
    classifiers = [path for path in forest_run.made if path.name == "classifier.skops"]
    assert len(classifiers) == 2  # beside it the one in the MapModel, the same on disk
    assert classifiers[0].samefile(classifiers[1])
    assert not {"feature_cube.h5", "denoiser.safetensors"} & set(made)
    metrics = forest_run.metrics
    assert metrics["model"] == "random_forest"
    assert metrics["leakage"] <= project.metrics("demo", 0)["leakage"]


def test_the_metrics_of_a_forest_are_the_golden_ones(
    forest_run: Run, golden_metrics: GoldenMetrics
) -> None:
    golden_metrics.check("demo_random_forest", forest_run.metrics)


@pytest.mark.parametrize("name", ["bdgf", "random_forest"])
def test_what_is_scored_is_what_the_map_model_draws(
    project: Project, first_run: Run, forest_run: Run, name: str
) -> None:
    model = project.versions(f"06_models/demo/{name}/map_model.json")[0]
    scene = project.versions("02_intermediate/demo/scene.nc")[0]
    maps = bdgf.load_model(model.parent).predict(NetCDFDataset(filepath=str(scene)).load())
    drawn = project.versions(f"07_model_output/demo/{name}/class_map.tif")[0]
    with rasterio.open(drawn) as source:
        np.testing.assert_array_equal(maps.class_map, source.read(1))
    predicted = project.versions(f"07_model_output/demo/{name}/predictions.nc")[0]
    probabilities = NetCDFDataset(filepath=str(predicted)).load()["probabilities"].to_numpy()
    np.testing.assert_allclose(maps.probabilities, probabilities, atol=1e-3)


def test_a_run_tells_the_settings_of_its_own_model_alone(project: Project, forest_run: Run) -> None:
    rows = project.query("select key from params where run_uuid = ?", forest_run.mlflow_run)
    logged = [name for (name,) in rows]
    assert "baselines.random_forest.trees" in logged
    assert not any(name.startswith("baselines.svm") for name in logged)


@pytest.mark.slow
def test_each_model_is_scored_and_drawn_as_its_own(project: Project, forest_run: Run) -> None:
    project.done("evaluate", up_to="metrics", model="random_forest")
    assert project.metrics("demo") == forest_run.metrics
    project.done("report")  # the latest of that model, not the latest of all
    project.done("evaluate", up_to="metrics")
    assert project.metrics("demo") == project.metrics("demo", 0)


@pytest.mark.slow
def test_a_scene_that_was_deleted_is_not_made_again_for_its_report(
    project: Project, forest_run: Run
) -> None:
    kept = project.folder / "data" / "02_intermediate" / "demo@test" / "scene.nc"
    aside = kept.rename(project.folder / "aside")
    try:
        project.done("evaluate", model="random_forest")
        assert not kept.exists()
    finally:
        shutil.rmtree(kept, ignore_errors=True)
        aside.rename(kept)
    report = project.versions("08_reporting/demo/random_forest/report.html")[-1]
    assert "images of the modalities" in report.read_text(encoding="utf-8")


@pytest.mark.slow
def test_without_guidance_a_map_needs_no_features(
    project: Project, first_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuidanceChoice, "kept", False)
    project.done("full", train__decision__guidance="held_out")
    assert not project.metrics("demo")["decision"]["guidance"]["kept"]
    place = project.versions("06_models/demo/bdgf/map_model.json")[-1]
    assert not json.loads(place.read_text())["uses_features"]
    assert not (place.parent / "denoiser.safetensors").exists()
    project.done("predict", target="tuning")


@pytest.mark.slow
def test_what_is_missing_for_what_is_asked_is_made_first(project: Project, first_run: Run) -> None:
    # Another seed's split is not this seed's, another split not this one, and a split that was
    # made with other settings is made again.
    forest = {"model": "random_forest", "baselines__random_forest__trees": 5}
    printed = project.done("evaluate", up_to="metrics", seed=3, **forest)
    assert "seed 3, split official: no split, classifier and map model" in printed
    assert project.metrics("demo")["seed"] == 3

    five = {**forest, "split__name": "per_class", "split__per_class": 5}
    assert "no split, classifier and map model" in project.done("evaluate", up_to="metrics", **five)
    metrics = project.metrics("demo")
    assert metrics["split"]["name"] == "per_class"
    assert "made first" not in project.done("evaluate", up_to="metrics", **five)
    assert project.metrics("demo") == metrics

    six = {**five, "split__per_class": 6}
    assert "no split, classifier and map model with " in project.done(
        "evaluate", up_to="metrics", **six
    )
    assert project.metrics("demo")["split"]["train"] > metrics["split"]["train"]
    assert "made first" not in project.done("evaluate", up_to="metrics", **five)
    assert project.metrics("demo") == metrics
    run, _ = project.mlflow_runs()[0]
    ((pipeline,),) = project.query(
        "select value from tags where key = 'pipeline' and run_uuid = ?", run
    )
    assert pipeline == "evaluate"


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_every_model_goes_the_whole_way(project: Project, first_run: Run, model: str) -> None:
    project.done("train", model=model)
    project.done("evaluate", model=model)
    project.done("report", model=model)
    assert project.metrics("demo")["model"] == model
