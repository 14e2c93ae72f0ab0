import h5py
import numpy as np
import pytest
import xarray as xr
from scipy.io import savemat

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.registry import read_array
from tests.data.fabricate import write_raster
from tests.data.matlab_v73 import write_matlab_v73

CUBE = np.random.default_rng(0).normal(size=(40, 30, 6)).astype(np.float32)


def _hdf5(path):
    with h5py.File(path, "w") as file:
        file["v"] = CUBE


def _netcdf(path, engine):
    xr.DataArray(CUBE, dims=("y", "x", "b"), name="v").to_netcdf(path, engine=engine)


WRITERS = {
    "plain.mat": lambda path: savemat(path, {"v": CUBE}),
    "compressed.mat": lambda path: savemat(path, {"v": CUBE}, do_compression=True),
    "struct.mat": lambda path: savemat(path, {"v": {"z": CUBE}}),
    "v73.mat": lambda path: write_matlab_v73(path, {"v": CUBE}),
    "a.h5": _hdf5,
    "a.nc": lambda path: _netcdf(path, "h5netcdf"),
    "classic.nc": lambda path: _netcdf(path, "scipy"),
    "a.npy": lambda path: np.save(path, CUBE),
    "a.npz": lambda path: np.savez(path, v=CUBE),
    "a.tif": lambda path: write_raster(path, CUBE),
    "a.dat": lambda path: write_raster(path, CUBE, driver="ENVI"),
}
UNNAMED = ("a.npy", "a.tif", "a.dat")


def _variable(name):
    return None if name in UNNAMED else "v.z" if name == "struct.mat" else "v"


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_array(tmp_path, name):
    WRITERS[name](tmp_path / name)
    np.testing.assert_array_equal(read_array(tmp_path / name, _variable(name)).values, CUBE)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.98])
@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_short_is_one_line_that_names_it(tmp_path, name, share):
    WRITERS[name](tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(SceneError) as caught:
        read_array(tmp_path / name, _variable(name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_format_lists_the_known_ones(tmp_path):
    (tmp_path / "a.xyz").touch()
    with pytest.raises(SceneError, match=r"the format \.xyz is unknown; known are \.mat, \.h5"):
        read_array(tmp_path / "a.xyz")


def test_a_header_beside_it_makes_any_name_an_envi_image(tmp_path):
    write_raster(tmp_path / "image.dat", CUBE, driver="ENVI")
    (tmp_path / "image.dat").rename(tmp_path / "image_v2")
    (tmp_path / "image.hdr").rename(tmp_path / "image_v2.hdr")
    np.testing.assert_array_equal(read_array(tmp_path / "image_v2").values, CUBE)


@pytest.mark.parametrize("name", ["a.he5", "a.HDF", "A.H5"])
def test_every_suffix_of_hdf5(tmp_path, name):
    _hdf5(tmp_path / name)
    np.testing.assert_array_equal(read_array(tmp_path / name, "v").values, CUBE)


def test_hdf4_is_told(tmp_path):
    (tmp_path / "a.hdf").write_bytes(b"\x0e\x03\x13\x01" + bytes(100))
    with pytest.raises(SceneError, match="is HDF4, which is not read; convert it"):
        read_array(tmp_path / "a.hdf")


@pytest.mark.parametrize("name", ["a.nc4", "A.NC"])
def test_every_suffix_of_netcdf(tmp_path, name):
    _netcdf(tmp_path / name, "h5netcdf")
    np.testing.assert_array_equal(read_array(tmp_path / name, "v").values, CUBE)


@pytest.mark.parametrize("name", ["A.TIF", "a.Tiff"])
def test_suffixes_of_rasters_in_any_case(tmp_path, name):
    write_raster(tmp_path / name, CUBE)
    np.testing.assert_array_equal(read_array(tmp_path / name).values, CUBE)


def test_a_vrt_whose_file_is_gone_names_it(tmp_path):
    (tmp_path / "a.vrt").write_text(
        '<VRTDataset rasterXSize="5" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1">'
        '<SimpleSource><SourceFilename relativeToVRT="1">gone.tif</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(SceneError, match=r"its source 'gone\.tif' is not there"):
        read_array(tmp_path / "a.vrt")
