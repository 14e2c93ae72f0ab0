"""HDF5 files whose room is taken before they are filled."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from bdgf.core.errors import StorageError
from bdgf.core.hdf5_writing import allocate, hdf5_for_writing
from tests.messages import telling


def test_a_file_is_written_and_continued(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with hdf5_for_writing(path, "w") as file:
        file["x"] = np.arange(1000)
    with hdf5_for_writing(path, "r+") as file:
        file["x"][3] = -1
        file.create_dataset("y", data=[1.0])
    with h5py.File(path) as file:
        assert file["x"][:5].tolist() == [0, 1, 2, -1, 4]
        assert file["y"][0] == 1


def test_a_file_with_holes_takes_its_room(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    os.truncate(path, 2**20)
    allocate(path, path)
    assert path.stat().st_blocks * 512 >= 2**20
    assert path.stat().st_size == 2**20
    allocate(path, path)  # nothing is missing any more


def test_a_file_whose_room_is_not_there_is_refused_by_the_name_it_will_have(tmp_path: Path) -> None:
    path = tmp_path / "a.part"
    path.touch()
    free = os.statvfs(tmp_path)
    try:
        os.truncate(path, free.f_bavail * free.f_frsize * 2)
    except OSError:
        pytest.skip("this disk has no files with holes of such a size")
    with pytest.raises(StorageError, match=telling("a.h5", "full")):
        allocate(path, tmp_path / "a.h5")
