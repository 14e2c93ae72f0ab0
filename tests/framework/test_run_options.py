"""What is typed wrongly behind `kedro run` is told in one line, before anything runs."""

from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Node, Pipeline

from bdgf.core.errors import SettingsError
from bdgf.framework.cli import run
from bdgf.framework.run_options import (
    chosen_parts,
    refuse_unknown_pipelines,
    refuse_unknown_runner,
)
from tests.messages import telling

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Kedro is asked to run; nothing of it is run."""
    monkeypatch.chdir(PROJECT)
    bootstrap_project(PROJECT)
    found: list[dict[str, Any]] = []

    def look(_: KedroSession, pipeline_names: Any = None, **options: Any) -> None:
        found.append({"pipeline_names": pipeline_names, **options})

    look.__signature__ = signature(KedroSession.run)  # type: ignore[attr-defined]
    monkeypatch.setattr(KedroSession, "run", look)
    return found


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("--pipeline=ful", ("unknown pipeline 'ful'", "did you mean 'full'?", "balance")),
        ("--pipeline=ingest,prepare", ("one name", "--pipelines=ingest,prepare")),
        ("--from-nodes=train_clasifier", ("'train_clasifier'", "'train_classifier'")),
        ("--tags=difusion", ("unknown tag 'difusion'", "'diffusion'")),
        ("--params=model=svm --tags=diffusion", ("nothing to run",)),
        ("--runner=SequentialRuner", ("unknown runner", "'SequentialRunner'", "ThreadRunner")),
        ("--env=tst", ("unknown environment 'tst'", "'test'", "paper")),
        ("--params=train.epochs", ("'train.epochs' is not of the form name=value",)),
    ],
)
def test_one_line_names_the_mistake_and_what_is_near(
    started: list[dict[str, Any]], typed: str, words: tuple[str, ...]
) -> None:
    result = CliRunner().invoke(run, typed.split())
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert [word for word in words if word not in result.output] == [], result.output
    assert not started


@pytest.mark.parametrize(
    "typed",
    [
        "--pipelines=ingest,prepare",
        "--pipeline=full --tags=diffusion --to-outputs=denoiser",
        "--from-nodes=train_classifier --to-nodes=score --runner=kedro.runner.ThreadRunner",
        "--from-inputs=params:seed --env=paper",
    ],
)
def test_what_is_there_is_run(started: list[dict[str, Any]], typed: str) -> None:
    result = CliRunner().invoke(run, typed.split())
    assert result.exit_code == 0, result.output
    assert len(started) == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["ingest", "prepar"], ("unknown pipeline 'prepar'", "did you mean 'prepare'?")),
        (["ingest,prepar"], ("unknown pipeline 'prepar'", "did you mean 'prepare'?")),
        (["ingest, prepare"], ("--pipelines=ingest,prepare",)),
        ([","], ("unknown pipeline ','", "known: ingest, prepare")),
    ],
)
def test_every_pipeline_asked_for_must_be_there(asked: list[str], words: tuple[str, ...]) -> None:
    known = ["__default__", "ingest", "prepare"]
    refuse_unknown_pipelines(known, known)
    with pytest.raises(SettingsError, match=telling(*words)):
        refuse_unknown_pipelines(asked, known)


def _work(*_: Any) -> int:
    return 1


SMALL = Pipeline(
    [
        Node(_work, ["raw", "params:seed"], "scene", name="ingest_scene", tags="reading"),
        Node(_work, "scene", "metrics", name="score"),
    ]
)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"node_names": ["ingest_scen"]}, ("unknown node 'ingest_scen'", "'ingest_scene'")),
        ({"to_nodes": ["nothing_like_it"]}, ("unknown node", "known: ingest_scene, score")),
        ({"from_inputs": ["scenes"]}, ("unknown entry 'scenes'", "'scene'")),
        ({"from_inputs": ["params:sed"]}, ("nothing to run", "params:sed")),
        ({"to_outputs": ["metric"]}, ("unknown entry 'metric'", "'metrics'")),
        ({"namespaces": ["mine"]}, ("nothing to run", "mine")),
        ({"node_names": ["score"], "tags": ["reading"]}, ("nothing to run",)),
    ],
)
def test_every_part_asked_for_must_be_there(given: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match=telling(*words)):
        chosen_parts(given, SMALL)


def test_parts_that_are_there_are_taken() -> None:
    chosen_parts({}, SMALL)
    chosen_parts({"from_inputs": ["params:seed"], "to_outputs": ["metrics"]}, SMALL)


@pytest.mark.parametrize("name", ["Runner", "no.such.Runner", "kedro.runner.Nothing", "a.", "."])
def test_an_unknown_runner_lists_those_there_are(name: str) -> None:
    refuse_unknown_runner(None)
    with pytest.raises(SettingsError, match=telling(f"unknown runner '{name}'", "ThreadRunner")):
        refuse_unknown_runner(name)
