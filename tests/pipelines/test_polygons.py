"""A scene whose labels are polygons, as a user types it."""

import numpy as np
import pytest
import rasterio
import shapely
import yaml

from bdgf.core.errors import SceneError
from bdgf.datasets.netcdf import NetCDFDataset
from tests.data.fabricate import image, write_raster
from tests.data.small_scene import PLACE
from tests.data.vectors import placed, write_vectors
from tests.pipelines.project import Project

SIDE = 48
CROPS = ("beet", "maize", "wheat")


def farm(project: Project, fields: int) -> np.ndarray:
    """Writes a scene of square fields, some side by side; returns its true classes."""
    rng = np.random.default_rng(0)
    squares = [(8 * i, 8 * j) for j in range(SIDE // 8) for i in range(SIDE // 8)]
    crops = np.concatenate([np.arange(3), rng.integers(0, 3, len(squares) - 3)])
    truth = np.repeat(np.repeat(crops.reshape(SIDE // 8, -1) + 1, 8, axis=0), 8, axis=1)
    folder = project.folder / "data" / "01_raw" / "farm"
    folder.mkdir(parents=True)
    write_raster(folder / "optical.tif", image(truth, 5), **PLACE)
    write_raster(folder / "dsm.tif", image(truth, 1, seed=1), **PLACE)
    shapes = [placed(shapely.box(x + 1, y + 1, x + 7, y + 8)) for x, y in squares[:fields]]
    write_vectors(folder / "fields.gpkg", shapes, [CROPS[i] for i in crops[:fields]])
    configuration = {
        "modalities": {
            "optical": {"kind": "spectral", "file": "optical.tif"},
            "height": {"kind": "auxiliary", "file": "dsm.tif"},
        },
        "labels": {"file": "fields.gpkg", "class_field": "crop"},
    }
    file = project.folder / "conf" / "local" / "parameters_scenes" / "farm.yml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump({"farm": configuration}))
    return truth


@pytest.mark.slow
def test_whole_polygons_are_held_out_from_ingest_to_the_report(tmp_path):
    project = Project.create(tmp_path / "project")
    farm(project, fields=30)
    wanted = {"dataset": "farm", "model": "random_forest_windows", "split__name": "polygons"}
    project.done("full", **wanted, split__train_share=0.5)
    (scene_file,) = project.versions("02_intermediate/farm/scene.nc")
    groups = NetCDFDataset(filepath=str(scene_file)).load()["groups"].to_numpy()
    (split_file,) = project.versions("03_primary/farm/split.tif")
    with rasterio.open(split_file) as source:
        parts = source.read(1)
    assert len(np.unique(groups)) == 31
    for group in range(1, 31):
        assert len(np.unique(parts[groups == group])) == 1
    assert set(np.unique(parts)) == {0, 1, 2, 3}
    metrics = project.metrics("farm")
    assert metrics["split"]["name"] == "polygons"
    assert metrics["split"]["test"] == (parts == 3).sum()
    assert 0 < metrics["leakage"] <= 1  # neighbours
    assert list(metrics["per_class"]) == list(CROPS)


@pytest.mark.slow
def test_a_class_with_one_polygon_is_refused_in_one_line(tmp_path):
    project = Project.create(tmp_path / "project")
    farm(project, fields=3)
    words = ("two polygons of each class", "beet, maize, wheat", "split.name=spatial_blocks")
    project.refused("prepare", SceneError, *words, dataset="farm", split__name="polygons")
    assert not project.versions("03_primary/farm/split.tif")
