import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import shapely
import yaml
from scipy.io import savemat

from bdgf.core.errors import SceneError
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.scene import class_table, georeference, modality_names, valid_mask
from tests.data.documented_grids import write_county, write_estuary, write_harbour, write_hills
from tests.data.fabricate import write_raster
from tests.data.small_scene import DSM, HSI, LABELS, PLACE, TEST, TRAIN, changed
from tests.data.vectors import placed, write_vectors

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "how_to" / "scenes.md"


def documented(name: str):
    """The example scene `name` of the document."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    scenes = [yaml.safe_load(block) for block in blocks]
    return parse_scene_config(name, next(s[name] for s in scenes if name in s))


def test_documented_geotiff_scene(tmp_path):
    labels = np.array([255, 0, 10, 30])[LABELS].astype(np.uint8)
    for band in range(4):
        write_raster(tmp_path / f"B{band + 2:02}.tif", HSI[..., band], nodata=0, **PLACE)
    write_raster(tmp_path / "sentinel1.tif", np.abs(HSI[..., :2]) + 1, **PLACE)
    write_raster(tmp_path / "dem.tif", changed(DSM, (0, 0), -9999), **PLACE)
    write_raster(tmp_path / "land_cover.tif", labels, **PLACE)
    split = np.array([255, 0, 10, 30])
    write_raster(tmp_path / "train.tif", split[TRAIN].astype(np.uint8), **PLACE)
    write_raster(tmp_path / "test.tif", split[TEST].astype(np.uint8), **PLACE)
    scene = read_scene("delta", documented("delta"), [tmp_path])
    assert modality_names(scene) == ["optical", "sar", "elevation"]
    assert scene["sar"].attrs["scale"] == "log"
    assert not modality_mask(scene, "elevation")[0, 0]
    np.testing.assert_array_equal(scene["labels"], LABELS)
    np.testing.assert_array_equal(scene["official_train"], TRAIN)
    assert georeference(scene)[0].to_epsg() == 32632


def test_documented_matlab_scene(tmp_path):
    savemat(tmp_path / "campus.mat", {"scene": {"hsi": {"Data": HSI}, "lidar": DSM}})
    savemat(tmp_path / "campus_gt.mat", {"gt": np.where(LABELS == 0, -1.0, LABELS)})
    scene = read_scene("campus", documented("campus"), [tmp_path])
    assert scene["hsi"].shape == (24, 20, 6)
    np.testing.assert_array_equal(scene["labels"], LABELS)


def test_documented_alternatives(tmp_path):
    with h5py.File(tmp_path / "lidar.h5", "w") as file:
        file["elevation/first_return"] = DSM
    np.savez(tmp_path / "cube.npz", hsi=HSI)
    write_raster(tmp_path / "labels.tif", LABELS)
    savemat(
        tmp_path / "split.mat",
        {k: np.argwhere(m) + 1 for k, m in {"train": TRAIN, "test": TEST}.items()},
    )
    scene = read_scene("valley", documented("valley"), [tmp_path])
    np.testing.assert_array_equal(scene["official_test"], TEST)


def test_documented_colours_and_regions(tmp_path):
    write_raster(tmp_path / "ortho.tif", HSI[..., :4])
    write_raster(tmp_path / "dsm.tif", DSM)
    colours = np.array([[0, 0, 0], [255, 255, 255], [0, 0, 255], [0, 255, 0]], np.uint8)
    image = colours[LABELS]
    image[LABELS == 0] = (255, 0, 0)
    write_raster(tmp_path / "labels.png", image, driver="PNG")
    scene = read_scene("town", documented("town"), [tmp_path])
    np.testing.assert_array_equal(scene["labels"], LABELS)


def test_documented_resolutions(tmp_path):
    write_estuary(tmp_path)
    scene = read_scene("estuary", documented("estuary"), [tmp_path])
    np.testing.assert_array_equal(scene["fine"], HSI[..., :4])
    coarse = HSI[::2, ::2, :3].repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(scene["coarse"], coarse)
    labels = LABELS[::2, ::2].repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(scene["labels"], labels)
    assert scene["coarse"].attrs["cell_size"] == 2


def test_documented_cells_without_a_place(tmp_path):
    write_harbour(tmp_path)
    scene = read_scene("harbour", documented("harbour"), [tmp_path])
    thermal = DSM[:7, :6].repeat(3, axis=0).repeat(3, axis=1)
    np.testing.assert_array_equal(scene["thermal"][..., 0], thermal)


def test_documented_resampling(tmp_path):
    write_hills(tmp_path)
    scene = read_scene("hills", documented("hills"), [tmp_path])
    np.testing.assert_allclose(scene["height"][..., 0], DSM, rtol=1e-6)
    np.testing.assert_array_equal(scene["labels"], LABELS)
    assert len(np.unique(scene["rain"])) > 100
    assert set(np.unique(scene["soil"])) <= {1, 2, 3, 4}
    assert valid_mask(scene).all()


def test_documented_tiles(tmp_path):
    write_county(tmp_path)
    scene = read_scene("county", documented("county"), [tmp_path])
    np.testing.assert_array_equal(scene["ortho"], HSI)
    np.testing.assert_array_equal(scene["height"][..., 0], DSM)
    np.testing.assert_array_equal(scene["labels"][:12], LABELS[:12])
    assert not scene["labels"][12:, 10:].any()


def optical_and_height(folder):
    write_raster(folder / "optical.tif", HSI, **PLACE)
    write_raster(folder / "dsm.tif", DSM, **PLACE)


SQUARES = [shapely.box(1, 1, 9, 6), shapely.box(12, 8, 19, 20)]


def test_documented_polygons(tmp_path):
    optical_and_height(tmp_path)
    shapes = [placed(shape) for shape in SQUARES]
    write_vectors(tmp_path / "labels.gpkg", shapes, ["wheat", "maize"], layer="fields")
    scene = read_scene("farm", documented("farm"), [tmp_path])
    assert class_table(scene).names == ("maize", "wheat")
    assert (scene["labels"].to_numpy()[1:6, 1:9] == 2).all()
    assert (scene["labels"].to_numpy()[8:20, 12:19] == 1).all()


def test_documented_masks(tmp_path):
    optical_and_height(tmp_path)
    shapes = [placed(shape, "EPSG:4326") for shape in SQUARES]
    write_vectors(tmp_path / "crowns.geojson", shapes, ["oak", "ash"], "EPSG:4326", field="species")
    for name, half in {"west": shapely.box(0, 0, 20, 4), "east": shapely.box(0, 4, 20, 24)}.items():
        write_vectors(tmp_path / f"{name}.shp", [placed(half)], ["x"])
    config = documented("orchard")
    with pytest.raises(SceneError, match=r"class 'ash' has no training pixel"):
        read_scene("orchard", config, [tmp_path])
    write_vectors(tmp_path / "west.shp", [placed(shapely.box(0, 0, 14, 24))], ["x"])
    write_vectors(tmp_path / "east.shp", [placed(shapely.box(14, 0, 20, 24))], ["x"])
    scene = read_scene("orchard", config, [tmp_path])
    assert (scene["official_train"] > 0).sum() == 8 * 5 + 2 * 12
    assert (scene["official_test"] > 0).sum() == 5 * 12


def test_documented_points(tmp_path):
    optical_and_height(tmp_path)
    a, _, c, _, e, f = PLACE["transform"]
    lines = ["east,north,crop"] + [
        f"{c + a * (x + 0.5)},{f + e * (y + 0.5)},{crop}"
        for x, y, crop in [(3, 4, "winter wheat"), (7, 9, "Maize"), (5, 5, "spring wheat")]
    ]
    (tmp_path / "points.csv").write_text("\n".join(lines))
    labels = read_scene("survey", documented("survey"), [tmp_path])["labels"].to_numpy()
    assert [labels[y, x] for x, y in [(3, 4), (7, 9), (5, 5)]] == [1, 2, 1]


def test_every_configured_scene_is_documented():
    text = DOCUMENT.read_text()
    for path in (DOCUMENT.parents[2] / "conf" / "base" / "parameters_scenes").iterdir():
        assert f"| `{path.stem}` |" in text
