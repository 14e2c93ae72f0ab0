"""Scenes whose files lie on several grids, as a user types them."""

import re

import pytest
import xarray as xr
import yaml

from bdgf.core.errors import SceneError
from tests.data import documented_grids
from tests.pipelines.project import ROOT, Project

NAMES = ("estuary", "harbour", "hills", "county")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the scenes that docs/how_to/scenes.md writes out, and their files."""
    project = Project.create(tmp_path_factory.mktemp("grids"))
    folder = project.folder / "conf" / "local" / "parameters_scenes"
    folder.mkdir()
    text = (ROOT / "docs" / "how_to" / "scenes.md").read_text()
    for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL):
        name = next(iter(yaml.safe_load(block)))
        if name in NAMES:
            (folder / f"{name}.yml").write_text(block)
            write = getattr(documented_grids, f"write_{name}")
            write(project.folder / "data" / "01_raw" / name)
    return project


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("estuary", "12x10 cells of 2 x 2 pixels", marks=pytest.mark.slow),
        ("harbour", "7x6 cells of 3 x 3 pixels"),
        pytest.param(
            "hills",
            "resampled (bilinear) onto the scene's grid from 4x4 cells of 0.002 in EPSG:4326",
            marks=pytest.mark.slow,
        ),
        pytest.param("county", "4 tiles joined to 24 x 20 pixels", marks=pytest.mark.slow),
    ],
)
def test_documented_scenes_of_several_grids_are_ingested_and_prepared(
    project: Project, name: str, said: str
) -> None:
    printed = project.done("ingest", dataset=name)
    assert said in " ".join(printed.split())
    (path,) = project.versions(f"02_intermediate/{name}/scene.nc")
    with xr.open_dataset(path, engine="h5netcdf") as scene:
        sizes = {scene[m].attrs.get("cell_size", 1) for m in yaml.safe_load(scene.modalities)}
    assert sizes == {"estuary": {1, 2}, "harbour": {1, 3}}.get(name, {1})
    project.done("prepare", dataset=name)


def test_a_layer_that_does_not_fit_is_told_with_the_setting_that_helps(project: Project) -> None:
    path = project.folder / "conf" / "local" / "parameters_scenes" / "hills.yml"
    text = path.read_text()
    path.write_text(text.replace(", resample: bilinear", ""))
    words = ("rain_degrees.tif", "EPSG:4326", "`modalities.rain.resample`")
    project.refused("ingest", SceneError, *words, dataset="hills")
    path.write_text(text)
