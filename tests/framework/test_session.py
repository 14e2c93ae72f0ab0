"""Which nodes a run leaves out for its model."""

from pathlib import Path
from typing import Any

import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from bdgf.framework.run_folders import run_folder
from bdgf.framework.session import ModelSession
from bdgf.models.registry import model_entry

PROJECT = Path(__file__).resolve().parents[2]
ARTIFACTS = [
    ("02_intermediate", "scene", "scene.nc"),
    ("03_primary", "scene", "prepared_scene.nc"),
    ("03_primary", "split", "split.tif"),
    ("06_models", "seed", "denoiser.safetensors"),
    ("04_feature", "seed", "feature_cube.h5"),
    ("06_models", "scene", "preparation.safetensors"),
    ("06_models", "model", "bdgf/classifier.safetensors"),
    ("06_models", "model", "bdgf/map_model.json"),
]
DIFFUSION_NODES = {"pretrain_denoiser", "extract_features"}


@pytest.fixture(scope="module", autouse=True)
def _project() -> None:
    bootstrap_project(PROJECT)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where the artifacts of earlier runs are: of all that `bdgf` needs."""
    run = {"dataset": "demo", "seed": 0, "split": {"name": "official"}, "model": "bdgf"}
    for layer, kind, name in ARTIFACTS:
        file = name.split("/")[-1]
        path = tmp_path / layer / run_folder(kind, run, None) / file / "1" / file
        path.parent.mkdir(parents=True)
        path.touch()
    return tmp_path


def asked(
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    data: Path,
    *,
    coverage: float | None = None,
    **options: Any,
) -> Any:
    """What a session of a model asks Kedro for."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(KedroSession, "run", _recorder(given))
    parameters: dict[str, Any] = {"model": model, "data_folder": str(data)}
    if coverage is not None:
        parameters |= {"inference": {"sets": {"coverage": coverage}}}
    with ModelSession.create(PROJECT, runtime_params=parameters) as session:
        session.run(**options)
    return given


def _recorder(given: dict[str, Any]) -> Any:
    def run(
        self: KedroSession,
        pipeline_name: str | None = None,
        pipeline_names: list[str] | None = None,
        node_names: list[str] | None = None,
        load_versions: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        versions = load_versions or {}
        given.update(pipeline_names=pipeline_names, node_names=node_names, versions=versions)
        return {}

    return run


@pytest.mark.parametrize("name", ["full", "evaluate"])
def test_a_model_with_features_runs_every_node_and_draws_sets_on_request(
    monkeypatch: pytest.MonkeyPatch, data: Path, name: str
) -> None:
    every = {node.name for node in pipelines[name].nodes}
    given = asked(monkeypatch, "bdgf", data, pipeline_names=[name])
    assert set(given["node_names"]) == every - {"draw_set_sizes"}
    given = asked(monkeypatch, "bdgf", data, pipeline_names=[name], coverage=0.9)
    assert given["node_names"] is None


@pytest.mark.parametrize("names", [["full"], ["features", "train"], None])
def test_a_model_without_features_leaves_pretraining_and_features_out(
    monkeypatch: pytest.MonkeyPatch, data: Path, names: list[str] | None
) -> None:
    given = asked(monkeypatch, "svm", data, **({"pipeline_names": names} if names else {}))
    assert "train_classifier" in given["node_names"]
    assert not DIFFUSION_NODES & set(given["node_names"])


@pytest.mark.parametrize("name", ["pretrain", "features", "balance"])
def test_whoever_asks_for_features_by_name_gets_them(
    monkeypatch: pytest.MonkeyPatch, data: Path, name: str
) -> None:
    assert asked(monkeypatch, "svm", data, pipeline_names=[name])["node_names"] is None


def test_nodes_named_by_the_user_are_those_that_run(
    monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    nodes = ["extract_features"]
    given = asked(monkeypatch, "svm", data, pipeline_names=["full"], node_names=nodes)
    assert given["node_names"] == nodes


def test_what_is_there_is_taken_from_the_version_found(
    monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    given = asked(monkeypatch, "bdgf", data, pipeline_names=["evaluate"])
    wanted = {"map_model", "classifier", "split", "prepared_scene", "feature_cube"}
    assert given["versions"].keys() >= wanted


def test_what_is_missing_comes_first(
    monkeypatch: pytest.MonkeyPatch, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        given = asked(monkeypatch, "svm", data, pipeline_names=["evaluate"])
    assert given["pipeline_names"] == ["train", "evaluate"]
    assert "train_classifier" in given["node_names"]
    assert "prepare_scene" not in given["node_names"]
    assert not DIFFUSION_NODES & set(given["node_names"])
    assert "split official: no classifier and map model yet; made first" in caplog.text


def test_chosen_nodes_come_alone(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    given = asked(
        monkeypatch, "mft", data, pipeline_names=["evaluate"], node_names=["predict_scene"]
    )
    assert given["node_names"] == ["predict_scene"]
    assert given["versions"] == {"prepared_scene": "1"} | (
        {"feature_cube": "1"} if model_entry("mft").uses_features else {}
    )
