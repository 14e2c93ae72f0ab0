"""What goes wrong for a user ends with one line, and nothing is half-written."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bdgf.core.errors import MissingArtifactError, SceneError, SettingsError, UserError
from tests.pipelines.project import Project, typed


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


def refused(
    project: Project, pipeline: str, error: type[UserError], *words: str, **parameters: Any
) -> None:
    """Expects a refusal that wrote nothing and left no MLflow run open."""
    before = project.files()
    project.refused(pipeline, error, *words, **parameters)
    assert project.files() == before
    assert {state for _, state in project.mlflow_runs()} <= {"FAILED"}


def refused_at_once(
    project: Project, pipeline: str, error: type[UserError], *words: str, **parameters: Any
) -> None:
    """Expects a refusal before anything ran."""
    refused(project, pipeline, error, *words, **parameters)
    assert project.mlflow_runs() == []


def test_an_unknown_scene_lists_the_known(project: Project) -> None:
    words = ("'trent'", "'trento'", "augsburg, berlin, coast")
    refused_at_once(project, "ingest", SettingsError, *words, dataset="trent")


def test_a_broken_scene_file_is_told_by_its_place(project: Project) -> None:
    folder = project.folder / "conf" / "local" / "parameters_scenes"
    folder.mkdir()
    (folder / "mine.yml").write_text("mine:\n\tmodalities: {}\n")
    words = ("conf/local/parameters_scenes/mine.yml, line 2", "tab")
    refused_at_once(project, "ingest", SettingsError, *words, dataset="mine")


def test_an_unknown_model_lists_the_known(project: Project) -> None:
    words = ("'random_florest'", "'random_forest'", "bdgf_unguided")
    refused_at_once(project, "full", SettingsError, *words, model="random_florest")


def test_an_unknown_parameter_names_the_nearest(project: Project) -> None:
    words = ("'train.epoch'", "'train.epochs'")
    refused_at_once(project, "full", SettingsError, *words, train__epoch=3)


def test_a_bad_value_is_refused_before_anything_runs(project: Project) -> None:
    words = ("'train.epochs'", "'many'")
    refused_at_once(project, "full", SettingsError, *words, train__epochs="many")


def test_a_part_of_a_group_is_checked_like_the_group(project: Project) -> None:
    words = ("'train.classifier.patch'", " 4", "odd")
    refused_at_once(project, "prepare", SettingsError, *words, train__classifier__patch=4)


def test_nodes_chosen_by_name_are_not_completed(project: Project) -> None:
    command = "kedro run --pipeline=full --params dataset=muufl,model=bdgf"
    words = ("'muufl'", "classifier", command)
    arguments = typed("evaluate", dataset="muufl")
    result = project.command("run", *arguments, "--nodes=score")
    assert (result.code, type(result.mistake)) == (1, MissingArtifactError), result.printed
    assert all(word in result.stderr for word in words)
    assert project.files() == []
    assert project.mlflow_runs() == []


def test_a_missing_file_says_where_it_was_looked_for(project: Project) -> None:
    words = ("HSI.mat", "data/01_raw/trento")
    refused(project, "ingest", SceneError, *words, dataset="trento")


OWN_SCENE = """
mine:
  title: Mine
  modalities:
    optical: {kind: spectral, file: optical.npy}
    height: {kind: auxiliary, units: m, file: height.npy}
  labels: {file: labels.npy}
  classes:
    - {id: 1, name: low}
    - {id: 2, name: high}
"""


@pytest.mark.slow
def test_a_damaged_scene_of_ones_own_is_told_by_file_and_the_mended_one_is_read(
    project: Project,
) -> None:
    folder = project.folder / "data" / "01_raw" / "mine"
    folder.mkdir(parents=True)
    configuration = project.folder / "conf" / "local" / "parameters_scenes" / "mine.yml"
    configuration.parent.mkdir()
    configuration.write_text(OWN_SCENE)
    rng = np.random.default_rng(0)
    height = rng.random((40, 30), np.float32)
    np.save(folder / "optical.npy", rng.random((40, 30, 4), np.float32))
    np.save(folder / "height.npy", height)
    labels = 1 + (height > 0.5).astype(np.uint8)
    labels[0, 0] = 7
    np.save(folder / "labels.npy", labels)

    refused(project, "ingest", SceneError, "labels.npy", "7", dataset="mine")

    labels[0, 0] = 0
    np.save(folder / "labels.npy", labels)
    project.done("ingest", dataset="mine")
    project.done("prepare", dataset="mine")
    assert len(project.versions("03_primary/mine/split.tif")) == 1
