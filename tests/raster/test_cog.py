"""Cloud-Optimized GeoTIFFs, read back by GDAL as GIS programs read them."""

from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from bdgf.raster.cog import MapForm, auxiliary_path, style_path, write_cog

SHAPE = (700, 1100)
CLASSES = {1: ("water & <ice>", "#0072b2"), 2: ("trees", "#009e73"), 4: ("roofs", "#d55e00")}
PLACE = {"crs": CRS.from_epsg(32632), "transform": Affine(10, 0, 5e5, 0, -10, 5e6)}
MAP = np.random.default_rng(0).choice([0, 1, 2, 4], SHAPE).astype(np.uint8)


def rows_of(maps, step=130):
    maps = maps if maps.ndim == 3 else maps[None]
    for first in range(0, maps.shape[1], step):
        part = slice(first, min(first + step, maps.shape[1]))
        yield part, maps[:, part]


@pytest.fixture(scope="module")
def class_map(tmp_path_factory):
    path = tmp_path_factory.mktemp("cog") / "class_map.tif"
    form = MapForm("uint8", SHAPE, 0, classes=CLASSES, tags={"model": "bdgf"}, **PLACE)
    write_cog(path, form, rows_of(MAP))
    return path


def test_a_class_map_has_its_values_place_nodata_colours_and_overviews(class_map):
    with rasterio.open(class_map) as opened:
        np.testing.assert_array_equal(opened.read(1), MAP)
        assert opened.nodata == 0
        assert (opened.crs, opened.transform) == (PLACE["crs"], PLACE["transform"])
        assert opened.overviews(1)
        assert opened.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert opened.colormap(1)[2] == (0x00, 0x9E, 0x73, 255)
        assert opened.tags()["model"] == "bdgf"


def test_an_overview_holds_classes_that_are_there(class_map):
    with rasterio.open(class_map, overview_level=0) as opened:
        assert set(np.unique(opened.read(1))) <= {0, 1, 2, 4}


def test_names_and_colours_stand_where_gis_programs_look(class_map):
    tree = ElementTree.parse(auxiliary_path(class_map))
    names = [item.text or "" for item in tree.iter("Category")]
    assert names == ["", "water & <ice>", "trees", "", "roofs"]
    rows = [[field.text for field in row] for row in tree.iter("Row")]
    assert rows[2] == ["4", "roofs", "213", "94", "0"]
    style = ElementTree.parse(style_path(class_map))
    entries = [entry.attrib for entry in style.iter("paletteEntry")]
    assert [(e["value"], e["label"], e["color"]) for e in entries] == [
        (str(value), *rest) for value, rest in CLASSES.items()
    ]


def test_gdal_itself_reads_the_names(class_map):
    with rasterio.open(class_map) as opened:
        assert any(str(name).endswith(".aux.xml") for name in opened.files)


def test_a_map_of_numbers_has_bands_units_and_nan(tmp_path):
    path = tmp_path / "shares.tif"
    shares = np.random.default_rng(1).random((2, *SHAPE)).astype(np.float32)
    shares[:, :50] = np.nan
    form = MapForm("float32", SHAPE, float("nan"), bands=("one", "two"), units="1", **PLACE)
    write_cog(path, form, rows_of(shares))
    with rasterio.open(path) as opened:
        np.testing.assert_array_equal(opened.read(), shares)
        assert np.isnan(opened.nodata)
        assert opened.descriptions == ("one", "two")
        assert opened.units == ("1", "1")
    assert [file.name for file in tmp_path.iterdir()] == ["shares.tif"]


def test_a_map_without_a_place_is_written_without_a_warning(tmp_path, recwarn):
    path = tmp_path / "plain.tif"
    write_cog(path, MapForm("uint8", (40, 60), 0), rows_of(MAP[:40, :60]))
    assert not [w for w in recwarn if "georeference" in str(w.message).lower()]
    with rasterio.open(path) as opened:
        assert opened.crs is None


def test_nothing_is_left_of_a_map_that_fails(tmp_path):
    def rows():
        yield slice(0, 10), np.zeros((1, 10, 60), np.uint8)
        raise OSError("the source is gone")

    with pytest.raises(OSError, match="is gone"):
        write_cog(tmp_path / "map.tif", MapForm("uint8", (40, 60), 0), rows())
    assert not list(tmp_path.iterdir())
