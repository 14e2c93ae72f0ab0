import struct

import numpy as np
import pytest

from bdgf.scenes.readers.registry import read_array
from bdgf.scenes.readers.tiff_directories import directories
from tests.data.raw_rasters import write_tif

PAGES = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)


@pytest.mark.parametrize("option", [{"BIGTIFF": "YES"}, {"ENDIANNESS": "BIG"}, {}])
def test_directories_of_any_tiff(tmp_path, option):
    for i, page in enumerate(PAGES):
        write_tif(tmp_path / "a.tif", page, **option, **{"APPEND_SUBDATASET": "YES"} if i else {})
    found = directories(tmp_path / "a.tif")
    assert [directory[1:] for directory in found] == [(4, 5, False, False)] * 3
    np.testing.assert_array_equal(read_array(tmp_path / "a.tif").values, PAGES)


@pytest.mark.parametrize(
    "content",
    [
        b"none",
        b"",
        b"II*\0",
        struct.pack("<2sHI", b"II", 42, 99),
        struct.pack("<2sHHHQ", b"II", 43, 8, 0, 2**64 - 1),
        struct.pack("<2sHIH", b"II", 42, 8, 0xFFFF),
    ],
)
def test_what_is_no_sound_tiff_has_none(tmp_path, content):
    (tmp_path / "a.tif").write_bytes(content)
    assert directories(tmp_path / "a.tif") == []


def test_directories_in_a_circle_end(tmp_path):
    (tmp_path / "a.tif").write_bytes(struct.pack("<2sHIHI", b"II", 42, 8, 0, 8))
    assert len(directories(tmp_path / "a.tif")) == 1
    assert directories(tmp_path / "nowhere.tif") == []
