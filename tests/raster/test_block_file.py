"""Layers in files, a block at a time."""

import errno
from unittest.mock import patch

import numpy as np
import pytest

from bdgf.core.errors import StorageError
from bdgf.raster.block_file import BlockFile, Layer
from bdgf.raster.windows import blocks, row_bands

SHAPE = (21, 34)
LAYERS = {"classes": Layer("uint8"), "shares": Layer("float32", 3)}
WINDOWS = list(blocks(SHAPE, 10))
RNG = np.random.default_rng(0)
MAPS = {
    "classes": RNG.integers(0, 9, SHAPE).astype(np.uint8),
    "shares": RNG.random((3, *SHAPE)).astype(np.float32),
}


def opened(folder, fingerprint="a"):
    return BlockFile(folder / "maps" / "abc", SHAPE, LAYERS, len(WINDOWS), fingerprint)


ALL = range(len(WINDOWS))


def fill(file, numbers=ALL):
    for number in numbers:
        window = WINDOWS[number]
        layers = {name: maps[..., window.rows, window.columns] for name, maps in MAPS.items()}
        file.write(number, window, layers)


def test_blocks_are_read_back_as_rows(tmp_path):
    file = opened(tmp_path)
    fill(file)
    for name, maps in MAPS.items():
        found = [file.read(name, rows) for rows in row_bands(file.shape[0], 4)]
        np.testing.assert_array_equal(np.concatenate(found, axis=-2), maps)


def test_what_an_earlier_run_left_is_taken_up(tmp_path):
    fill(opened(tmp_path), [0, 3])
    again = opened(tmp_path)
    assert [number for number in range(len(WINDOWS)) if again.done(number)] == [0, 3]
    fill(again, [number for number in range(len(WINDOWS)) if not again.done(number)])
    np.testing.assert_array_equal(again.read("classes", slice(0, 21)), MAPS["classes"])


def test_what_was_left_of_something_else_is_not(tmp_path):
    fill(opened(tmp_path), [0, 3])
    other = opened(tmp_path, "b")
    assert not any(other.done(number) for number in range(len(WINDOWS)))
    assert not other.read("classes", slice(0, 21)).any()


def test_a_header_without_its_end_counts_for_nothing(tmp_path):
    fill(opened(tmp_path), [0])
    (tmp_path / "maps" / "abc.blocks.json").write_text('{"fingerprint": ')
    assert not opened(tmp_path).done(0)


def test_a_full_disk_is_told_in_one_line_and_the_block_is_not_there(tmp_path):
    file = opened(tmp_path)
    full = OSError(errno.ENOSPC, "No space left on device")
    with patch("os.pwrite", side_effect=full), pytest.raises(StorageError, match="disk is full"):
        fill(file, [1])
    assert not opened(tmp_path).done(1)
