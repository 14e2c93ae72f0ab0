"""Scenes of which something is missing, the whole way: labels, modalities, their pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from bdgf.core.errors import SettingsError
from tests.pipelines.project import Project

SIZE = (48, 40)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


def configure(project: Project, yaml: str, **arrays: np.ndarray) -> None:
    """Makes the scene `mine` of a configuration and the arrays that are its files."""
    folder = project.folder / "data" / "01_raw" / "mine"
    folder.mkdir(parents=True)
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    place = project.folder / "conf" / "local" / "parameters_scenes" / "mine.yml"
    place.parent.mkdir()
    place.write_text(yaml)


def image(bands: int, seed: int = 0) -> np.ndarray:
    values: np.ndarray = np.random.default_rng(seed).random((*SIZE, bands), np.float32)
    return values


def opened(path: Path) -> Any:
    return xr.load_dataset(path, engine="h5netcdf")


@pytest.mark.slow
def test_a_scene_of_one_modality_without_labels_is_pretrained_on(project: Project) -> None:
    configure(
        project,
        "mine: {modalities: {radar: {kind: auxiliary, file: radar.npy}}}",
        radar=image(2),
    )
    printed = project.done("features", dataset="mine", pretrain__masking__strategy="fixed")
    assert "no `labels` are configured" in printed
    assert "one modality" in printed
    assert len(project.versions("04_feature/mine/feature_cube.h5")) == 1
    assert "there is no split" in project.done("prepare", dataset="mine")
    prepared = opened(project.versions("03_primary/mine/prepared_scene.nc")[-1])
    assert not prepared["labels"].any()
    before = project.files()
    for pipeline in ("train", "evaluate", "full", "balance"):
        words = ("'mine' has no labels", "`labels`", "mine.yml")
        project.refused(pipeline, SettingsError, *words, dataset="mine")
    assert project.files() == before


HOLED = """
mine:
  require: RULE
  modalities:
    optical: {kind: spectral, file: optical.npy}
    height: {kind: auxiliary, units: m, file: height.npy}
  labels: {file: labels.npy}
"""


def with_a_hole(project: Project, rule: str) -> np.ndarray:
    """A scene whose optical image has no data on a quarter; True where it has."""
    optical, height = image(4), image(1, seed=1)
    labels = 1 + (height[..., 0] > 0.5).astype(np.uint8)
    optical[:24, :20] = np.nan
    configure(project, HOLED.replace("RULE", rule), optical=optical, height=height, labels=labels)
    has_data: np.ndarray = np.isfinite(optical).all(axis=2)
    return has_data


@pytest.mark.slow
def test_a_scene_with_a_hole_in_one_modality_is_mapped_whole(project: Project) -> None:
    there = with_a_hole(project, "any")
    printed = project.done("full", dataset="mine", pretrain__steps=4)
    assert "mine: missing on valid pixels: optical on 25 %" in printed
    scene = opened(project.versions("02_intermediate/mine/scene.nc")[-1])
    np.testing.assert_array_equal(scene["valid_optical"], there)
    assert scene["valid"].all()
    assert "valid_height" not in scene
    predictions = opened(project.versions("07_model_output/mine/predictions.nc")[-1])
    np.testing.assert_allclose(predictions["probabilities"].sum("class"), 1, atol=1e-5)

    project.done("evaluate", dataset="mine", inference__hide="[height]")
    hidden = opened(project.versions("07_model_output/mine/predictions.nc")[-1])
    assert hidden.attrs["hidden"] == "height"
    np.testing.assert_array_equal(hidden["valid"], there)
    np.testing.assert_allclose(hidden["probabilities"].sum("class"), there, atol=1e-5)
    whole, less = (project.metrics("mine", version) for version in (-2, -1))
    assert "hidden" not in whole
    assert less["hidden"] == "height"
    tested = [sum(map(sum, metrics["confusion_matrix"])) for metrics in (whole, less)]
    assert tested[1] < tested[0]
    words = ("no modality radar to hide", "optical, height")
    project.refused("evaluate", SettingsError, *words, dataset="mine", inference__hide="[radar]")
    assert len(project.versions("07_model_output/mine/predictions.nc")) == 2


def test_where_all_are_required_a_hole_is_a_hole(project: Project) -> None:
    there = with_a_hole(project, "all")
    project.done("ingest", dataset="mine")
    scene = opened(project.versions("02_intermediate/mine/scene.nc")[-1])
    np.testing.assert_array_equal(scene["valid"], there)
    assert not [name for name in scene if name.startswith("valid_")]
    assert (scene["height"].to_numpy()[~there] == 0).all()
