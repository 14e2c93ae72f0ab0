"""What goes wrong for a user ends with one line, and nothing is half-written."""

from pathlib import Path

import numpy as np
import pytest

from tests.pipelines.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


def test_an_unknown_scene_lists_the_known(project: Project) -> None:
    line = project.refused("ingest", dataset="trent")
    assert "unknown scene 'trent', did you mean 'trento'?" in line
    assert "augsburg, berlin, coast" in line
    assert project.files() == []


def test_an_unknown_model_lists_the_known(project: Project) -> None:
    line = project.refused("full", model="random_florest")
    assert "unknown model 'random_florest', did you mean 'random_forest'?" in line
    assert "bdgf_unguided" in line
    assert project.files() == []


def test_an_unknown_parameter_names_the_nearest(project: Project) -> None:
    line = project.refused("full", train__epoch=3)
    assert "unknown parameter 'train.epoch', did you mean 'train.epochs'?" in line
    assert project.files() == []


def test_a_bad_value_is_refused_before_anything_runs(project: Project) -> None:
    line = project.refused("full", train__epochs="many")
    assert "'train.epochs' is 'many'" in line
    assert project.files() == []


def test_a_part_of_a_group_is_checked_like_the_group(project: Project) -> None:
    line = project.refused("prepare", train__classifier__patch=4)
    assert "'train.classifier.patch' is 4" in line
    assert "odd" in line


def test_evaluate_before_train_says_what_to_run_first(project: Project) -> None:
    line = project.refused("evaluate", dataset="muufl")
    assert "scene 'muufl' has no classifier" in line
    assert "kedro run --pipeline=full --params dataset=muufl,model=bdgf" in line
    assert project.files() == []


def test_a_missing_file_says_where_it_was_looked_for(project: Project) -> None:
    line = project.refused("ingest", dataset="trento")
    assert "HSI.mat" in line or "Italy_hsi.mat" in line
    assert "data/01_raw/trento" in line
    assert project.files() == []


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
    raw = project.files()

    line = project.refused("ingest", dataset="mine")
    assert "labels.npy" in line
    assert "7" in line
    assert project.files() == raw

    labels[0, 0] = 0
    np.save(folder / "labels.npy", labels)
    project.done("ingest", dataset="mine")
    project.done("prepare", dataset="mine")
    assert len(project.versions("03_primary/mine/split.tif")) == 1
