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


def test_a_scene_of_one_modality_without_labels_is_pretrained_on(project: Project) -> None:
    configure(
        project,
        "mine: {modalities: {radar: {kind: auxiliary, file: radar.npy}}}",
        radar=image(2),
    )
    printed = project.done("features", dataset="mine")
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
