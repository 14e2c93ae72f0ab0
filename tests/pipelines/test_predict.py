"""`kedro run --pipeline=predict`: the model of one scene maps another."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import yaml
from rasterio.transform import from_origin

from bdgf.core.errors import SceneError, SettingsError
from bdgf.scenes.scene import LABELS, VALID, class_table, modality_names
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from tests.pipelines.project import Project

FOREST = {"model": "random_forest", "baselines__random_forest__trees": 5}
PLACE = {"crs": "EPSG:32632", "transform": from_origin(500_000, 5_000_000, 10, 10)}


def write(path: Path, values: np.ndarray, nodata: float | None = None) -> None:
    height, width, bands = values.shape
    profile = {"driver": "GTiff", "height": height, "width": width, "count": bands}
    with rasterio.open(
        path, "w", dtype=values.dtype.name, nodata=nodata, **profile, **PLACE
    ) as target:
        target.write(values.transpose(2, 0, 1))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A trained forest of the demo scene, and another landscape of its sensors in files."""
    folder = tmp_path_factory.mktemp("predict")
    project = Project.create(folder / "project")
    scene = make_demo_scene(DemoSettings(seed=5, size=60))
    raw = folder / "raw" / "elsewhere"
    raw.mkdir(parents=True)
    modalities = {}
    for name in modality_names(scene):
        values = scene[name].to_numpy().copy()
        values[scene[VALID].to_numpy() == 0] = -9999
        write(raw / f"{name}.tif", values, -9999)
        attributes = scene[name].attrs
        modalities[name] = {
            "kind": attributes["kind"],
            "units": attributes["units"],
            "to_decibels": attributes["scale"] == "log",
            "file": f"{name}.tif",
        }
    write(raw / "labels.tif", scene[LABELS].to_numpy()[..., None])
    table = class_table(scene)
    classes = [{"id": i, "name": n} for i, n in zip(table.ids, table.names, strict=True)]
    configured = {
        "modalities": modalities,
        "labels": {"file": "labels.tif"},
        "classes": classes,
    }
    scenes = project.folder / "conf" / "local" / "parameters_scenes"
    scenes.mkdir()
    (scenes / "elsewhere.yml").write_text(yaml.safe_dump({"elsewhere": configured}))
    feet = {**modalities, "height": {**modalities["height"], "units": "feet"}}
    wrong = {**configured, "folder": "elsewhere", "modalities": feet}
    (scenes / "wrong.yml").write_text(yaml.safe_dump({"wrong": wrong}))
    return project


def predict(project: Project, **parameters: object) -> str:
    result = project.run("predict", project.folder.parent / "raw", **FOREST, **parameters)
    assert result.code == 0, result.printed
    return result.printed


def made(project: Project, layer: str, name: str) -> Path:
    folder = project.folder / "data" / layer / "elsewhere" / "by" / "demo@test"
    return sorted(folder.glob(f"**/{name}/*/{name}"), key=lambda path: path.parent.name)[-1]


@pytest.fixture(scope="module")
def mapped(project: Project) -> str:
    return predict(project, target="elsewhere")


def test_what_is_missing_is_made_first_and_the_target_is_mapped(
    project: Project, mapped: str
) -> None:
    assert "classifier and map model with baselines.random_forest.trees=5 yet; made" in mapped
    assert "mapping elsewhere: 3,600 px in" in mapped
    with rasterio.open(made(project, "07_model_output", "class_map.tif")) as opened:
        classes = opened.read(1)
        assert opened.crs.to_epsg() == 32632
        assert opened.transform == PLACE["transform"]
        assert opened.nodata == 0
    with rasterio.open(made(project, "07_model_output", "uncertainty_map.tif")) as opened:
        uncertainty = opened.read(1)
    np.testing.assert_array_equal(np.isnan(uncertainty), classes == 0)
    assert (classes == 0).any()
    assert made(project, "08_reporting", "class_map.png").stat().st_size > 1000
    assert not list((project.folder / "data" / "07_model_output").rglob("probabilities.tif"))


def test_the_target_has_a_report_and_all_results_in_one_folder(
    project: Project, mapped: str
) -> None:
    report = made(project, "08_reporting", "report.html").read_text(encoding="utf-8")
    metrics = json.loads(made(project, "08_reporting", "metrics.json").read_text())
    assert f"{100 * metrics['overall_accuracy']:.1f} %" in report
    for told in ("of scene demo", "hectares", "optical, bands", "labelled pixels with data"):
        assert told in report, told
    latest = project.folder / "data" / "08_reporting" / "elsewhere" / "latest"
    names = {path.name for path in latest.iterdir()}
    assert names >= {"report.html", "class_map.tif", "class_map.qml", "metrics.json"}


def test_where_there_are_labels_the_map_is_scored_as_a_transfer(
    project: Project, mapped: str
) -> None:
    metrics = json.loads(made(project, "08_reporting", "metrics.json").read_text())
    assert metrics["transfer"] == {"from": "demo", "to": "elsewhere"}
    assert metrics["split"]["name"] == "transfer"
    assert metrics["split"]["train"] == 0
    assert metrics["leakage"] is None
    assert 0.5 < metrics["overall_accuracy"] <= 1  # another landscape of the same classes
    assert np.sum(metrics["confusion_matrix"]) == metrics["split"]["test"]
    assert "split transfer" in mapped


def test_it_is_the_map_that_python_makes_of_the_same_model(project: Project, mapped: str) -> None:
    import bdgf

    (model_path,) = project.versions("06_models/demo/random_forest/map_model.json")
    model = bdgf.load_model(model_path.parent)
    scene_file = project.folder / "conf" / "local" / "parameters_scenes" / "elsewhere.yml"
    copied = project.folder.parent / "raw" / "scene.yml"
    copied.write_text(scene_file.read_text())
    with rasterio.open(made(project, "07_model_output", "class_map.tif")) as opened:
        np.testing.assert_array_equal(model.predict(copied).class_map, opened.read(1))


@pytest.mark.slow
def test_again_it_is_taken_as_it_is_and_probabilities_are_kept_on_request(
    project: Project, mapped: str
) -> None:
    printed = predict(project, target="elsewhere", predict__probabilities="true")
    with rasterio.open(made(project, "07_model_output", "probabilities.tif")) as opened:
        shares = opened.read()
        assert opened.descriptions[0].startswith("probability of ")
    with rasterio.open(made(project, "07_model_output", "class_map.tif")) as opened:
        known = opened.read(1) > 0
        np.testing.assert_array_equal(shares.argmax(0)[known] + 1, opened.read(1)[known])
    assert "made first" not in printed
    assert "100 % of the map is there" in predict(project, target="elsewhere")


@pytest.mark.slow
def test_files_read_by_windows_and_statistics_of_the_target(project: Project, mapped: str) -> None:
    with rasterio.open(made(project, "07_model_output", "class_map.tif")) as opened:
        resident = opened.read(1)
    printed = predict(project, target="elsewhere", predict__resident_gib=0, predict__block=16)
    assert "read from its files, window by window" in printed
    with rasterio.open(made(project, "07_model_output", "class_map.tif")) as opened:
        np.testing.assert_array_equal(opened.read(1), resident)
    predict(project, target="elsewhere", predict__adapt="statistics")
    with rasterio.open(made(project, "07_model_output", "class_map.tif")) as opened:
        assert (opened.read(1) != resident).any()


@pytest.mark.slow
def test_a_version_of_the_model_can_be_chosen(project: Project, mapped: str) -> None:
    (model_path,) = project.versions("06_models/demo/random_forest/map_model.json")
    predict(project, target="elsewhere", model_version=model_path.parent.name)
    folder = made(project, "07_model_output", "class_map.tif").parent
    told = json.loads((folder / "made_from.json").read_text())
    assert told["versions"]["map_model"] == model_path.parent.name


@pytest.mark.slow
def test_wrong_input_is_told_in_one_line(project: Project, mapped: str) -> None:
    before = [path for path in project.files() if "working" not in path.parts]
    project.refused("predict", SettingsError, "target=<scene>", **FOREST)
    project.refused("predict", SettingsError, "unknown scene 'elswhere'", target="elswhere")
    coverage = {"inference__sets__coverage": 0.9}
    project.refused(
        "predict", SettingsError, "held-out blocks", target="demo", **FOREST, **coverage
    )
    raw = project.folder.parent / "raw"
    result = project.run("predict", raw, target="wrong", **FOREST)
    assert result.code == 1
    assert type(result.mistake) is SceneError
    (line,) = [line for line in result.stderr.splitlines() if line]
    assert "(auxiliary, 1 band, feet)" in line
    assert "(auxiliary, 1 band, m)" in line
    assert [path for path in project.files() if "working" not in path.parts] == before


@pytest.mark.slow
def test_a_scene_is_not_scored_on_labels_that_taught_its_model(
    project: Project, mapped: str
) -> None:
    printed = predict(project, target="demo")
    assert "mapping demo:" in printed
    assert "split transfer" not in printed
    reporting = project.folder / "data" / "08_reporting" / "demo"
    assert not list(reporting.rglob("metrics.json"))
    (report,) = (reporting / "latest").glob("report.html")
    assert "Nothing was scored" in report.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_map_without_a_modality_says_so(project: Project, mapped: str) -> None:
    before = json.loads(made(project, "08_reporting", "metrics.json").read_text())
    predict(project, target="elsewhere", inference__hide="[sar]")
    metrics = json.loads(made(project, "08_reporting", "metrics.json").read_text())
    assert metrics["hidden"] == "sar"
    assert "hidden" not in before
    report = made(project, "08_reporting", "report.html").read_text(encoding="utf-8")
    assert "Without sar." in report


@pytest.mark.slow
def test_prediction_sets_are_mapped_scored_and_reported(project: Project) -> None:
    raw = project.folder.parent / "raw"
    asked = {"model": "bdgf_unguided", "inference__sets__coverage": 0.5}
    damage = {"evaluation__damage__kinds": "[hidden,clouds]"}
    printed = project.run("predict", raw, target="elsewhere", predict__block=32, **asked).printed
    assert "prediction sets of 50 %" in printed
    printed = project.run("full", raw, **asked, **damage).printed
    outputs = project.folder / "data" / "07_model_output"
    reporting = project.folder / "data" / "08_reporting"
    for scene, folder in (("elsewhere", "elsewhere/by/demo@test"), ("demo", "demo@test")):
        (path,) = outputs.glob(f"{folder}/bdgf_unguided/**/set_size_map.tif/*/set_size_map.tif")
        with rasterio.open(path) as opened:
            sizes = opened.read(1)
            assert opened.nodata == 0
            assert opened.descriptions[0].endswith("prediction set of 50 % coverage")
            assert opened.dtypes[0] == "uint8"
        (classes_path,) = path.parents[2].glob("class_map.tif/*/class_map.tif")
        with rasterio.open(classes_path) as opened:
            np.testing.assert_array_equal(sizes > 0, opened.read(1) > 0)
        assert 1 <= sizes[sizes > 0].min() <= sizes.max() <= 6
        found = reporting.glob(f"{folder}/bdgf_unguided/**/metrics.json/*/metrics.json")
        metrics = json.loads(next(found).read_text())
        assert metrics["sets"]["coverage_stated"] == 0.5
        assert 0 < metrics["sets"]["coverage_measured"] <= 1
        assert metrics["sets"]["held_out_blocks"] > 0
        reports = reporting.glob(f"{folder}/bdgf_unguided/**/report.html/*/report.html")
        report = next(reports).read_text(encoding="utf-8")
        assert "size of the prediction sets" in report
        assert ("With a modality spoilt" in report) == (scene == "demo")
    assert set(metrics["damaged"]) == {"hidden", "clouds"}
    assert set(metrics["damaged"]["clouds"]) == {"optical", "sar", "height"}
    assert "hold the right class in" in printed


@pytest.mark.slow
@pytest.mark.parametrize("model", ["bdgf", "mft", "svm_windows"])
def test_models_of_every_kind_map_the_target(project: Project, model: str) -> None:
    raw = project.folder.parent / "raw"
    result = project.run("predict", raw, model=model, target="elsewhere", predict__block=32)
    assert result.code == 0, result.printed
    metrics = json.loads(made(project, "08_reporting", "metrics.json").read_text())
    assert metrics["model"] == model
    assert ("decision" in metrics) == (model == "bdgf")
