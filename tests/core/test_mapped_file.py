from pathlib import Path

import numpy as np
import pytest

from bdgf.core.errors import StorageError
from bdgf.core.mapped_file import is_mapped, mapped_array, release


def test_values_outlast_their_pages(tmp_path: Path) -> None:
    array = mapped_array((300, 40, 3), np.float32, tmp_path)
    assert not array.any()
    wanted = np.random.default_rng(0).random((300, 40, 3), np.float32)
    array[:] = wanted
    release(array[5:, 3])
    np.testing.assert_array_equal(array, wanted)


def test_views_are_mapped_and_copies_are_not(tmp_path: Path) -> None:
    array = mapped_array((4, 5), np.uint8, tmp_path)
    assert is_mapped(array.T[1:].reshape(-1)[:3]) is False  # a copy of what lies apart
    assert is_mapped(array[1:, ::2])
    assert not is_mapped(array.copy())
    release(array.copy())  # nothing to let go of


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    array = mapped_array((100,), np.uint8, tmp_path / "new")
    array[3] = 1
    assert list((tmp_path / "new").iterdir()) == []


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="free"):
        mapped_array((2**50,), np.float32, tmp_path)
