"""What only MATLAB 7.3 files have; what both formats share is in `test_matlab`."""

import h5py
import numpy as np
import pytest

from bdgf.scenes.readers.matlab_v73 import read_matlab_v73
from bdgf.scenes.readers.raw_array import VariableError
from tests.data.matlab_v73 import write_matlab_v73

CUBE = np.arange(24.0).reshape(2, 3, 4)


def test_axes_are_those_of_matlab(tmp_path):
    write_matlab_v73(tmp_path / "a.mat", {"cube": CUBE})
    with h5py.File(tmp_path / "a.mat") as file:
        assert file["cube"].shape == (4, 3, 2)
    np.testing.assert_array_equal(read_matlab_v73(tmp_path / "a.mat", "cube"), CUBE)


def test_internal_groups_are_no_variables(tmp_path):
    write_matlab_v73(tmp_path / "a.mat", {"cells": [CUBE]})
    np.testing.assert_array_equal(read_matlab_v73(tmp_path / "a.mat", None), CUBE)
    with pytest.raises(VariableError, match="no variable '#refs#'; it holds: cells"):
        read_matlab_v73(tmp_path / "a.mat", "#refs#.r0")


def test_an_empty_array_is_no_array_of_numbers(tmp_path):
    write_matlab_v73(tmp_path / "a.mat", {"none": np.array([0, 0], np.uint64), "cube": CUBE})
    with h5py.File(tmp_path / "a.mat", "r+") as file:
        file["none"].attrs["MATLAB_empty"] = np.uint8(1)  # MATLAB keeps the sizes as the values
    with pytest.raises(VariableError, match="'none' is no array of numbers"):
        read_matlab_v73(tmp_path / "a.mat", "none")


def test_cells_count_in_matlabs_order(tmp_path):
    write_matlab_v73(tmp_path / "a.mat", {"cells": [CUBE, CUBE + 1, CUBE + 2]})
    for index in range(3):
        found = read_matlab_v73(tmp_path / "a.mat", f"cells[{index}]")
        np.testing.assert_array_equal(found, CUBE + index)
