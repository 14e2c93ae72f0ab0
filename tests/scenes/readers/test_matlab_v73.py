"""What only MATLAB 7.3 files have; what both formats share is in `test_matlab`."""

import h5py
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.matlab_v73 import is_matlab_v73, read_matlab_v73
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
    with pytest.raises(VariableError, match="'none' is not an array of numbers"):
        read_matlab_v73(tmp_path / "a.mat", "none")


def test_cells_count_in_matlabs_order(tmp_path):
    write_matlab_v73(tmp_path / "a.mat", {"cells": [CUBE, CUBE + 1, CUBE + 2]})
    for index in range(3):
        found = read_matlab_v73(tmp_path / "a.mat", f"cells[{index}]")
        np.testing.assert_array_equal(found, CUBE + index)


def write_sparse(path, matrix, kind="double", rows=None, **replaced):
    """As MATLAB does: a group of data, ir and jc, of which an empty matrix has jc alone."""
    parts = {"data": matrix.data, "ir": matrix.indices.astype(np.uint64)} if matrix.nnz else {}
    parts |= {"jc": matrix.indptr.astype(np.uint64), **replaced}
    with h5py.File(path, "w") as file:
        group = file.create_group("s/gt")
        file["s"].attrs["MATLAB_class"] = np.bytes_("struct")
        group.attrs["MATLAB_class"] = np.bytes_(kind)
        group.attrs["MATLAB_sparse"] = np.uint64(matrix.shape[0] if rows is None else rows)
        for name, values in parts.items():
            if values is not None:
                group[name] = values


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    density=st.sampled_from([0.0, 0.3, 1.0]),
    kind=st.sampled_from(["double", "logical"]),
    seed=st.integers(0, 9),
)
def test_sparse_matrices_come_back(tmp_path_factory, rows, columns, density, kind, seed):
    random = np.random.default_rng(seed)
    truth = (random.random((rows, columns)) < density) * random.integers(1, 9, (rows, columns))
    truth = (truth > 0).astype(np.uint8) if kind == "logical" else truth.astype(float)
    path = tmp_path_factory.mktemp("sparse") / "a.mat"
    write_sparse(path, scipy.sparse.csc_matrix(truth), kind)
    found = read_matlab_v73(path, "s.gt")
    np.testing.assert_array_equal(found, truth)
    assert found.dtype == truth.dtype


@pytest.mark.parametrize(
    "damage",
    [
        {"ir": np.uint64([0, 1, 4])},
        {"ir": np.uint64([0, 1, 2**63 + 1])},
        {"ir": np.int64([0, 1, -1])},
        {"ir": np.uint64([0, 1])},
        {"ir": None},
        {"data": None},
        {"data": np.array([1.0])},
        {"jc": np.uint64([0, 2, 1, 3])},
        {"jc": np.uint64([1, 1, 2, 3])},
        {"jc": np.uint64([0, 1, 2, 9])},
        {"jc": np.uint64([])},
        {"jc": None},
        {"jc": np.array([0.0, 1, 2, 3])},
        {"rows": 0},
        {"rows": 2},
    ],
)
def test_sparse_indices_that_point_outside_are_refused(tmp_path, damage):
    write_sparse(tmp_path / "a.mat", scipy.sparse.csc_matrix(np.eye(3)), **damage)
    with pytest.raises(SceneError, match=r"a\.mat: the sparse matrix 's\.gt' (is damaged|has no)"):
        read_matlab_v73(tmp_path / "a.mat", "s.gt")


def test_an_array_that_another_program_added_is_read_as_it_lies(tmp_path):
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["gt"], file["added"] = np.ones((4, 3)), np.ones((4, 3))
        file["gt"].attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    assert is_matlab_v73(path, "gt")
    assert not is_matlab_v73(path, "added")


def test_names_that_are_no_text_are_passed_over(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["v"] = np.ones((4, 3))
        file["v"].attrs["MATLAB_class"] = np.bytes_("double")
        file[b"\xff\xfe"] = np.ones(2)
    assert read_matlab_v73(tmp_path / "a.mat", None).shape == (3, 4)


def test_a_named_type_is_no_array(tmp_path):
    write_sparse(tmp_path / "sparse.mat", scipy.sparse.csc_matrix(np.eye(3)))
    for part in ("data", "ir", "jc"):
        with (
            h5py.File(tmp_path / "sparse.mat", "r") as whole,
            h5py.File(tmp_path / f"{part}.mat", "w", userblock_size=512) as file,
        ):
            whole.copy("s", file)
            del file[f"s/gt/{part}"]
            file[f"s/gt/{part}"] = np.dtype("int64")
        with pytest.raises(SceneError, match="sparse matrix"):
            read_matlab_v73(tmp_path / f"{part}.mat", "s.gt")
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["cube"] = np.dtype("float64")
    with pytest.raises(VariableError, match="'cube' is not an array of numbers"):
        read_matlab_v73(tmp_path / "a.mat", "cube")
