"""A scene of many tiles, split by tile, as a user types it."""

import numpy as np
import pytest
import rasterio
import shapely
import yaml

from bdgf.core.errors import SceneError
from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.scenes.tiles import TILES, tile_files
from tests.data.fabricate import image, write_raster
from tests.data.small_scene import PLACE
from tests.data.vectors import placed, write_vectors
from tests.pipelines.project import Project

SIDE, TILE = 60, 20
CROPS = ("beet", "maize", "wheat")


def county(project: Project, **more: object) -> np.ndarray:
    """Writes nine tiles of an image and of labels, and one height; returns the tile of a pixel."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.repeat(rng.integers(1, 4, (12, 12)), 5, axis=0), 5, axis=1)
    optical = image(truth, 5)
    folder = project.folder / "data" / "01_raw" / "county"
    for name in ("ortho", "labels"):
        (folder / name).mkdir(parents=True)
    a, b, c, d, e, f = PLACE["transform"]
    tiles = np.zeros((SIDE, SIDE), int)
    for number in range(9):
        row, column = (TILE * i for i in divmod(number, 3))
        here = np.s_[row : row + TILE, column : column + TILE]
        place = PLACE | {"transform": (a, b, c + a * column, d, e, f + e * row)}
        write_raster(folder / "ortho" / f"t{number}.tif", optical[here], **place)
        write_raster(folder / "labels" / f"t{number}.tif", truth[here].astype(np.uint8), **place)
        tiles[here] = number + 1
    write_raster(folder / "dsm.tif", image(truth, 1, seed=1), **PLACE)
    shapes = [placed(shapely.box(x, y, x + 15, y + 15)) for x in (5, 35) for y in (5, 35)]
    write_vectors(folder / "fields.gpkg", shapes, ["beet", "beet", "maize", "maize"])
    configuration = {
        "modalities": {
            "optical": {"kind": "spectral", "file": "ortho/*.tif"},
            "height": {"kind": "auxiliary", "file": "dsm.tif"},
        },
        "labels": {"file": "labels/*.tif"},
        "classes": [{"id": i, "name": name} for i, name in enumerate(CROPS, 1)],
        **more,
    }
    file = project.folder / "conf" / "local" / "parameters_scenes" / "county.yml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump({"county": configuration}))
    return tiles


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "project")


def parts_of(project: Project) -> np.ndarray:
    (split_file,) = project.versions("03_primary/county/split.tif")
    with rasterio.open(split_file) as source:
        parts: np.ndarray = source.read(1)
    return parts


@pytest.mark.slow
def test_whole_tiles_are_held_out_from_ingest_to_the_report(project):
    tiles = county(project)
    wanted = {"dataset": "county", "model": "random_forest_windows", "split__name": "tiles"}
    wide = {"split__train_share": 0.5, "split__buffer": 5}  # the forest's windows are 11 px wide
    project.done("full", **wanted, **wide)
    (scene_file,) = project.versions("02_intermediate/county/scene.nc")
    scene = NetCDFDataset(filepath=str(scene_file)).load()
    np.testing.assert_array_equal(scene[TILES], tiles)
    assert tile_files(scene) == [f"t{i}.tif" for i in range(9)]
    parts = parts_of(project)
    for number in range(1, 10):
        assert len(set(np.unique(parts[tiles == number])) - {0}) == 1
    assert set(np.unique(parts)) == {0, 1, 2, 3}
    metrics = project.metrics("county")
    assert metrics["split"]["name"] == "tiles"
    assert metrics["split"]["test"] == (parts == 3).sum()
    assert metrics["leakage"] == 0  # of the buffer


@pytest.mark.slow
def test_polygons_on_tiles_may_be_split_by_either(project):
    tiles = county(project, labels={"file": "fields.gpkg"}, classes=[])
    project.done("prepare", dataset="county", split__name="tiles", split__train_share=0.6)
    parts = parts_of(project)
    for number in range(1, 10):
        assert len(set(np.unique(parts[tiles == number])) - {0}) <= 1
    project.done("prepare", dataset="county", split__name="polygons")


def test_a_scene_that_is_no_tiles_is_refused_in_one_line(project):
    project.refused("prepare", SceneError, "made of several", dataset="demo", split__name="tiles")
    assert not project.versions("03_primary/demo/split.tif")
