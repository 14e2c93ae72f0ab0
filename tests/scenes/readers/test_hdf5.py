import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.registry import read_array
from tests.scenes.readers.declared import applied

CUBE = np.arange(24.0).reshape(2, 3, 4)


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "scene.h5", "w") as file:
        file["images/optical"] = CUBE
        file["images"].create_dataset("height", data=CUBE[0]).attrs["_FillValue"] = -9999.0
        file["title"] = "a text"
    return tmp_path / "scene.h5"


def written(path, values, labels=(), **attributes):
    with h5py.File(path, "w") as file:
        data = file.create_dataset("v", data=values)
        data.attrs.update(attributes)
        for dimension, label in zip(data.dims, labels, strict=False):
            dimension.label = label
    return read_array(path, "v")


@pytest.mark.parametrize("variable", ["images.optical", "images/optical", "/images/optical"])
def test_datasets_keep_their_axes_which_have_no_names(path, variable):
    array = read_array(path, variable)
    np.testing.assert_array_equal(array.values, CUBE)
    assert array.axes is None
    assert array.maybe_reversed


def test_fill_value_is_nodata(path):
    assert read_array(path, "images.height").nodata == ((-9999.0,),)


def test_missing_and_textual_datasets(path):
    with pytest.raises(VariableError, match=r"did you mean 'images\.optical'"):
        read_array(path, "images.optica")
    with pytest.raises(VariableError, match=r"did you mean 'images\.height'.*: images\.height, "):
        read_array(path, "height")
    with pytest.raises(VariableError, match="holds 3 variables"):
        read_array(path)
    with pytest.raises(VariableError, match="is not an array of numbers"):
        read_array(path, "title")


def test_the_only_image_needs_no_name(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data/cube"] = CUBE
        file["data/wavelength"] = np.arange(4) * 100.0 + 400
    assert read_array(tmp_path / "a.h5").wavelengths == (400, 500, 600, 700)


def test_an_exact_name_wins_over_a_path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/b"], file["a.b"] = CUBE, CUBE + 1
        file["c/d.e"], file["c.d/e"] = CUBE, CUBE
    assert read_array(tmp_path / "a.h5", "a.b").values[0, 0, 0] == 1
    assert read_array(tmp_path / "a.h5", "a/b").values[0, 0, 0] == 0
    with pytest.raises(VariableError, match=r"'c\.d\.e' may be c\.d/e or c/d\.e; write it with"):
        read_array(tmp_path / "a.h5", "c.d.e")


@pytest.mark.parametrize(
    ("labels", "axes", "maybe_reversed"),
    [
        (("band", "y", "x"), ("band", "y", "x"), False),
        (("Lines", "Samples", "wavelength"), ("y", "x", "wavelength"), False),
        (("a", "b", "c"), None, False),
        ((), None, True),
    ],
)
def test_labels_name_the_axes(tmp_path, labels, axes, maybe_reversed):
    array = written(tmp_path / "a.h5", CUBE, labels)
    np.testing.assert_array_equal(array.values, CUBE)
    assert array.axes == axes
    assert array.maybe_reversed == maybe_reversed


def test_scales_name_the_axes(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = CUBE
        for i, name in enumerate(("bands", "grid/lat", "grid/lon")):
            file[name] = np.arange(CUBE.shape[i], dtype=float)
            file[name].make_scale(name)
            file["v"].dims[i].attach_scale(file[name])
    assert read_array(tmp_path / "a.h5", "v").axes == ("bands", "y", "x")


def test_matlabs_attribute_reverses_the_axes(tmp_path):
    array = written(tmp_path / "a.h5", CUBE.T, MATLAB_class=np.bytes_("double"))
    np.testing.assert_array_equal(array.values, CUBE)
    assert not array.maybe_reversed
    assert array.notes == ("its axes are taken in MATLAB's order, as its attribute says",)


def test_a_single_time_is_left_out(tmp_path):
    array = written(tmp_path / "a.h5", CUBE[None], ("time", "band", "y", "x"))
    assert array.axes == ("band", "y", "x")
    assert array.values.shape == CUBE.shape
    assert array.notes == ("its axis 'time' of length 1 is left out of 1x2x3x4",)


def test_neon(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("SITE/Reflectance")
        data = group.create_dataset("Reflectance_Data", data=(CUBE * 100).astype(np.int16))
        data.attrs.update({"Data_Ignore_Value": -9999.0, "Scale_Factor": 10000.0})
        group.attrs["Band_Window_1_Nanometers"] = [1340, 1445]
        group["Metadata/Spectral_Data/Wavelength"] = [500.0, 1350.0, 1400.0, 2000.0]
    array = read_array(tmp_path / "a.h5", "SITE/Reflectance/Reflectance_Data")
    np.testing.assert_allclose(applied(array), CUBE / 100)
    assert array.nodata == ((-9999.0,),)
    assert array.wavelengths == (500, 1350, 1400, 2000)
    assert array.bad_bands == {1, 2}
    assert not array.doubts


def test_netcdf_under_this_name_is_read_as_it_is(tmp_path):
    places = {"y": [5.0, 4.0, 3.0], "x": [1.0, 2.0, 3.0, 4.0]}
    array = xr.DataArray(CUBE, dims=("band", "y", "x"), coords=places, name="v")
    array.to_netcdf(tmp_path / "a.h5", engine="h5netcdf")
    assert tuple(read_array(tmp_path / "a.h5", "v").transform)[:6] == (1, 0, 0.5, 0, -1, 5.5)


def test_attributes_that_mean_nothing_do_no_harm(tmp_path):
    array = written(
        tmp_path / "a.h5", CUBE, scale_factor=h5py.Empty("f4"), NoData=np.zeros(2, [("a", "i4")])
    )
    assert len(array.doubts) == 2
    np.testing.assert_array_equal(array.values, CUBE)


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(["u1", "<i2", ">i2", "<u2", ">i4", "<f4", ">f4", "<f8"]),
    order=st.permutations(["line", "sample", "channel"]),
    scale=st.sampled_from([None, 0.5, 2e-4, -0.25]),
    offset=st.sampled_from([None, -0.1, 40.0]),
    fill=st.sampled_from(["_FillValue", "missing_value", "Data Ignore Value", "no_data"]),
    seed=st.integers(0, 9),
)
def test_a_scene_comes_back(tmp_path_factory, dtype, order, scale, offset, fill, seed):
    random = np.random.default_rng(seed)
    sizes = {"line": 3, "sample": 5, "channel": 4}
    stored = random.integers(1, 100, [sizes[name] for name in order]).astype(dtype)
    truth = stored.astype(np.float64) * (scale or 1.0) + (offset or 0.0)
    gap = random.random(stored.shape) < 0.2
    stored[gap], truth[gap] = 127, np.nan
    attributes = {fill: 127, "scale_factor": scale, "add_offset": offset}
    attributes = {name: value for name, value in attributes.items() if value is not None}
    path = tmp_path_factory.mktemp("h5") / "a.h5"
    array = written(path, stored, order, **attributes)
    names = {"line": "y", "sample": "x"}
    assert array.axes == tuple(names.get(name, name) for name in order)
    np.testing.assert_array_equal(array.values, stored)
    np.testing.assert_allclose(applied(array), truth, rtol=1e-12)


def test_links_and_records(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/v"] = np.ones((3, 4))
        file["link"] = h5py.SoftLink("/group/v")
        file["dead"] = h5py.SoftLink("/nowhere")
        file["records"] = np.zeros((3, 4), [("red", "f4"), ("green", "f4")])
    assert read_array(tmp_path / "a.h5", "link").values.shape == (3, 4)
    with pytest.raises(SceneError, match="no variable 'dead'"):
        read_array(tmp_path / "a.h5", "dead")
    with pytest.raises(SceneError, match=r"records \(red, green\)"):
        read_array(tmp_path / "a.h5", "records")
