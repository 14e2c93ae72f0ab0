import h5py
import numpy as np
import pytest

from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.registry import read_array

CUBE = np.arange(24.0).reshape(2, 3, 4)


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "scene.h5", "w") as file:
        file["images/optical"] = CUBE
        file["images"].create_dataset("height", data=CUBE[0]).attrs["_FillValue"] = -9999.0
        file["title"] = "a text"
    return tmp_path / "scene.h5"


@pytest.mark.parametrize("variable", ["images.optical", "images/optical", "/images/optical"])
def test_datasets_keep_their_axes(path, variable):
    array = read_array(path, variable)
    np.testing.assert_array_equal(array.values, CUBE)
    assert not array.oriented


def test_fill_value_is_nodata(path):
    assert read_array(path, "images.height").nodata == -9999.0


def test_missing_and_textual_datasets(path):
    with pytest.raises(VariableError, match=r"did you mean 'images\.optical'"):
        read_array(path, "images.optica")
    with pytest.raises(VariableError, match="holds 3 variables"):
        read_array(path)
    with pytest.raises(VariableError, match="no array of numbers"):
        read_array(path, "title")
