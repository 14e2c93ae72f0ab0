"""Of a scene without labels, what needs none is run and the rest is refused."""

from typing import Any

import pytest
from kedro.pipeline import Pipeline

from bdgf.core.errors import SettingsError
from bdgf.framework.unlabelled import nodes_without_labels
from bdgf.pipeline_registry import register_pipelines
from tests.messages import telling

PIPELINES = register_pipelines()
WHOLE = PIPELINES["full"] + PIPELINES["balance"]
UNLABELLED: dict[str, Any] = {"modalities": {"optical": {}}, "labels": None}


def left(chosen: Pipeline, scene: dict[str, Any] = UNLABELLED) -> list[str] | None:
    return nodes_without_labels(chosen, WHOLE, scene, "mine")


@pytest.mark.parametrize("labels", [{"labels": {"file": "a"}}, {"official_train": {"file": "a"}}])
def test_with_labels_nothing_is_left_out(labels: dict[str, Any]) -> None:
    assert left(PIPELINES["full"], {**UNLABELLED, **labels}) is None


@pytest.mark.parametrize("name", ["ingest", "pretrain", "features"])
def test_what_needs_no_labels_runs_whole(name: str) -> None:
    assert left(PIPELINES[name]) is None


def test_preparation_leaves_the_split_out() -> None:
    assert left(PIPELINES["prepare"]) == ["prepare_scene"]
    assert left(PIPELINES["prepare"] + PIPELINES["ingest"]) == ["ingest_scene", "prepare_scene"]


@pytest.mark.parametrize("name", ["train", "evaluate", "report", "balance", "full"])
def test_what_needs_labels_is_refused_and_names_the_setting(name: str) -> None:
    words = ("'mine' has no labels", "`labels`", "parameters_scenes/mine.yml")
    with pytest.raises(SettingsError, match=telling(*words)):
        left(PIPELINES[name])


def test_the_split_alone_is_refused() -> None:
    with pytest.raises(SettingsError, match=telling("split_pixels")):
        left(PIPELINES["prepare"].only_nodes("split_pixels"))
