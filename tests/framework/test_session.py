"""Which nodes a run leaves out for its model."""

from pathlib import Path
from typing import Any

import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from bdgf.framework.session import ModelSession

PROJECT = Path(__file__).resolve().parents[2]
DIFFUSION_NODES = {"pretrain_denoiser", "extract_features"}


@pytest.fixture(scope="module", autouse=True)
def _project() -> None:
    bootstrap_project(PROJECT)


def asked(monkeypatch: pytest.MonkeyPatch, model: str, **options: Any) -> Any:
    """The node names that a session of a model asks Kedro for."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(KedroSession, "run", _recorder(given))
    with ModelSession.create(PROJECT, runtime_params={"model": model}) as session:
        session.run(**options)
    return given.get("node_names")


def _recorder(given: dict[str, Any]) -> Any:
    def run(
        self: KedroSession,
        pipeline_name: str | None = None,
        pipeline_names: list[str] | None = None,
        node_names: list[str] | None = None,
    ) -> dict[str, Any]:
        given.update(pipeline_names=pipeline_names, node_names=node_names)
        return {}

    return run


def test_a_model_with_features_runs_every_node(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, "bdgf", pipeline_names=["full"]) is None


@pytest.mark.parametrize("names", [["full"], ["features", "train"], None])
def test_a_model_without_features_leaves_pretraining_and_features_out(
    monkeypatch: pytest.MonkeyPatch, names: list[str] | None
) -> None:
    nodes = asked(monkeypatch, "svm", **({"pipeline_names": names} if names else {}))
    assert "train_classifier" in nodes
    assert not DIFFUSION_NODES & set(nodes)


@pytest.mark.parametrize("name", ["pretrain", "features", "balance"])
def test_whoever_asks_for_features_by_name_gets_them(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert asked(monkeypatch, "svm", pipeline_names=[name]) is None


def test_nodes_named_by_the_user_are_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = asked(monkeypatch, "svm", pipeline_names=["full"], node_names=["extract_features"])
    assert nodes == ["extract_features"]
