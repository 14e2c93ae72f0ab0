import warnings

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.registry import read_array
from tests.data.fabricate import write_raster

CUBE = np.arange(60, dtype=np.int16).reshape(4, 5, 3)
PLACE = {"crs": "EPSG:32632", "transform": (10.0, 0.0, 5e5, 0.0, -10.0, 5e6), "nodata": -9999}


def test_geotiff(tmp_path):
    write_raster(tmp_path / "a.tif", CUBE, **PLACE)
    read = read_array(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.values, CUBE)
    assert read.axes == ("y", "x", "band")
    assert read.nodata == ((-9999,),)
    assert read.crs.to_epsg() == 32632
    assert tuple(read.transform)[:6] == PLACE["transform"]


@pytest.mark.parametrize("name", ["a.tif", "a.dat"])
def test_no_georeference_no_warning(tmp_path, name):
    write_raster(tmp_path / name, CUBE, driver="GTiff" if name == "a.tif" else "ENVI")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = read_array(tmp_path / name)
    assert read.crs is None
    assert read.transform is None


@pytest.mark.parametrize("data", ["image.dat", "image.img", "image.bsq", "image"])
@pytest.mark.parametrize("by_header", [True, False])
def test_envi_by_header_or_data(tmp_path, data, by_header):
    write_raster(tmp_path / data, CUBE, driver="ENVI")
    header = tmp_path / "image.hdr"
    assert header.is_file()
    path = header if by_header else tmp_path / data
    np.testing.assert_array_equal(read_array(path).values, CUBE)


def test_envi_header_alone(tmp_path):
    write_raster(tmp_path / "image.dat", CUBE, driver="ENVI")
    (tmp_path / "image.dat").unlink()
    with pytest.raises(
        SceneError, match=r"ENVI header without its data; looked for image, image\."
    ):
        read_array(tmp_path / "image.hdr")


def test_envi_cut_short_is_no_zeros(tmp_path):
    write_raster(tmp_path / "image.dat", CUBE, driver="ENVI")
    data = (tmp_path / "image.dat").read_bytes()
    (tmp_path / "image.dat").write_bytes(data[:-2])
    with pytest.raises(SceneError, match=r"cut short: 118 bytes of 120|cannot read"):
        read_array(tmp_path / "image.dat")


def test_a_raster_has_no_variables(tmp_path):
    write_raster(tmp_path / "a.tif", CUBE)
    with pytest.raises(SceneError, match="leave out 'variable: hsi'"):
        read_array(tmp_path / "a.tif", "hsi")
