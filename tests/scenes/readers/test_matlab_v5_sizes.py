"""What MATLAB 5 files declare is looked at before memory is taken."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from scipy.io import savemat

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.matlab_v5_sizes import check_sizes
from bdgf.scenes.readers.reading_limits import ReadingLimits, reading_limits
from bdgf.scenes.readers.registry import read_array

CELL = np.empty((1, 3), object)
CELL[0] = [{"z": np.ones((5, 6, 7)), "t": "abc"}, scipy.sparse.csc_matrix(np.eye(4)), 1 + 2j]
SOUND = {"first": np.ones((9, 9)), "s": {"big": np.ones((30, 40, 5)), "c": CELL, "e": []}, "z": 1}
LIMITS = ReadingLimits(most_bytes=10_000, seconds=1.0)
BOTH = pytest.mark.parametrize("compressed", [True, False])


def write(path: Path, variables: dict[str, Any], compressed: bool = False) -> Path:
    savemat(path, variables, do_compression=compressed)
    return path


@BOTH
def test_sound_files_pass(tmp_path: Path, compressed: bool) -> None:
    path = write(tmp_path / "a.mat", SOUND, compressed)
    for name in SOUND:
        check_sizes(path, name)


@BOTH
def test_an_array_deep_inside_is_found_and_no_other_variable(
    tmp_path: Path, compressed: bool
) -> None:
    path = write(tmp_path / "a.mat", SOUND, compressed)
    with reading_limits(LIMITS):
        check_sizes(path, "first")
        with pytest.raises(SceneError, match="30x40x5 numbers"):
            check_sizes(path, "s")


@BOTH
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, compressed: bool) -> None:
    path = write(tmp_path / "a.mat", {"v": np.zeros((400, 500))}, compressed)
    with reading_limits(LIMITS), pytest.raises(SceneError, match=r"ingest\.most_gib"):
        read_array(path, "v")


def test_more_elements_than_the_file_has_bytes_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mat", {"v": CELL})
    content = path.read_bytes()
    first = content.index(struct.pack("<ii", 1, 3))
    sizes = struct.pack("<ii", 587, 1_000_000)
    path.write_bytes(content[:first] + sizes + content[first + len(sizes) :])
    with pytest.raises(SceneError, match=r"587x1000000x1 numbers.*there are only"):
        read_array(path, "v")


def test_a_sparse_matrix_that_is_huge_when_full(tmp_path: Path) -> None:
    matrix = scipy.sparse.csc_matrix(([1.0], ([0], [0])), shape=(50_000, 50_000))
    path = write(tmp_path / "a.mat", {"v": matrix})
    with reading_limits(LIMITS), pytest.raises(SceneError, match="50000x50000"):
        read_array(path, "v")


def test_cells_in_cells_without_an_end(tmp_path: Path) -> None:
    inner: Any = np.ones((2, 2))
    for _ in range(60):
        outer = np.empty((1, 1), object)
        outer[0, 0] = inner
        inner = outer
    with pytest.raises(SceneError, match="nests cells or structs"):
        check_sizes(write(tmp_path / "a.mat", {"v": inner}), "v")


def test_what_cannot_be_followed_is_left_to_scipy(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mat", SOUND, compressed=True)
    content = path.read_bytes()
    for cut in range(0, len(content), 37):
        path.write_bytes(content[:cut])
        check_sizes(path, "s")
