"""`pretrain.scenes`: one denoiser of several scenes, as a user types it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bdgf.core.errors import SceneError, SettingsError
from bdgf.core.weights import read_weights
from bdgf.scenes.scene import VALID, modality_names
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from tests.data.fabricate import write_raster
from tests.data.small_scene import PLACE
from tests.pipelines.project import Project


def add_scene(project: Project, name: str, seed: int, size: int, **units: str) -> None:
    """Writes another landscape of the demo's sensors, without labels."""
    scene = make_demo_scene(DemoSettings(seed=seed, size=size))
    folder = project.folder / "data" / "01_raw" / name
    folder.mkdir(parents=True)
    modalities: dict[str, Any] = {}
    for modality in modality_names(scene):
        values = scene[modality].to_numpy().copy()
        values[scene[VALID].to_numpy() == 0] = -9999
        write_raster(folder / f"{modality}.tif", values, nodata=-9999, **PLACE)
        told = scene[modality].attrs
        modalities[modality] = {
            "kind": told["kind"],
            "units": units.get(modality, told["units"]),
            "to_decibels": told["scale"] == "log",
            "file": f"{modality}.tif",
        }
    scenes = project.folder / "conf" / "local" / "parameters_scenes"
    scenes.mkdir(exist_ok=True)
    (scenes / f"{name}.yml").write_text(yaml.safe_dump({name: {"modalities": modalities}}))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("pretrain") / "project")
    add_scene(project, "east", seed=5, size=48)
    add_scene(project, "west", seed=6, size=53)
    add_scene(project, "wrong", seed=7, size=48, height="feet")
    return project


def denoisers(project: Project) -> list[Path]:
    return project.versions("06_models/demo/denoiser.safetensors")


@pytest.mark.slow
def test_scenes_without_labels_and_without_ingest_take_part(project: Project) -> None:
    printed = project.done("features", pretrain__scenes="[east,west,demo]")
    assert "pretraining on demo (" in printed
    assert "east (" in printed
    (path,) = denoisers(project)
    first = read_weights(path)
    assert first.config["other_scenes"] == ["east", "west"]
    assert not (project.folder / "data" / "02_intermediate" / "east@test").exists()
    assert project.versions("04_feature/demo/feature_cube.h5")
    # Shared by who asks for the same, in whatever order.
    again = project.done("pretrain", pretrain__scenes="[west,east]")
    assert "reusing the pretrained denoiser" in again
    # Another one where a scene has changed, or where it stands alone.
    east = project.folder / "data" / "01_raw" / "east"
    scene = make_demo_scene(DemoSettings(seed=8, size=48))
    write_raster(east / "height.tif", scene["height"].to_numpy(), **PLACE)
    assert "reusing" not in project.done("pretrain", pretrain__scenes="[east,west]")
    assert "reusing" not in project.done("pretrain")
    marks = [read_weights(file).config["fingerprint"] for file in denoisers(project)]
    assert len(set(marks)) == 3
    assert "other_scenes" not in read_weights(denoisers(project)[-1]).config


@pytest.mark.slow
def test_wrong_scenes_are_refused_in_one_line(project: Project) -> None:
    before = denoisers(project)
    words = ("'wrong'", "'demo'", "(auxiliary, 1 band, feet)", "(auxiliary, 1 band, m)")
    project.refused("pretrain", SceneError, *words, pretrain__scenes="[wrong]")
    project.refused("pretrain", SettingsError, "unknown scene 'eats'", pretrain__scenes="[eats]")
    assert denoisers(project) == before
