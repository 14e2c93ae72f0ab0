import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.envi import decode, find_data, find_header, numbers, read_header, texts
from bdgf.scenes.readers.registry import read_array
from tests.data.raw_rasters import write_envi

CUBE = np.arange(60).reshape(4, 5, 3)
PAIRS = [
    ("cube.img", "cube.hdr"),
    ("CUBE.IMG", "CUBE.HDR"),
    ("Cube.img", "cUbe.HDR"),
    ("cube.img", "cube.img.hdr"),
    ("cube.img", "cube.img.HDR"),
    ("cube.bin", "cube.hdr"),
    ("cube", "cube.HDR"),
    ("cube.v2.bsq", "cube.v2.hdr"),
    ("scene_rfl", "scene_rfl.hdr"),
    ("scene.rfl", "scene.hdr"),
]


@pytest.mark.parametrize(("data", "header"), PAIRS)
def test_header_and_data_find_each_other(tmp_path, data, header):
    write_envi(tmp_path / data, CUBE, header=header)
    (tmp_path / "cube.txt").write_text("of the same name")
    assert find_header(tmp_path / data) == tmp_path / header
    assert find_data(tmp_path / header) == tmp_path / data
    for name in (data, header):
        np.testing.assert_array_equal(read_array(tmp_path / name).values, CUBE)


def test_of_two_data_files_the_one_that_fits(tmp_path):
    write_envi(tmp_path / "cube.img", CUBE)
    (tmp_path / "cube.dat").write_bytes(b"notes")
    assert find_data(tmp_path / "cube.hdr").name == "cube.img"


def test_a_header_of_another_kind_is_none(tmp_path):
    (tmp_path / "a.bil").touch()
    (tmp_path / "a.hdr").write_text("NROWS 4\n")
    assert find_header(tmp_path / "a.bil") is None
    assert find_header(tmp_path / "nowhere" / "a.bil") is None


def test_header_fields(tmp_path):
    (tmp_path / "a.hdr").write_bytes(
        b"ENVI\r\n; bbl = {0}\r\nSamples=5\r\nband  names = {a,\r\n b = c,\r\n d}\r\nBBL = {1 }\r\n"
        b"description = {Gew\xe4sser}\r\n"
    )
    assert read_header(tmp_path / "a.hdr") == {
        "samples": "5",
        "band names": "{a, b = c, d}",
        "bbl": "{1 }",
        "description": "{Gewässer}",
    }


def test_lists():
    assert texts("{a, b c ,d}") == ["a", "b c", "d"]
    assert texts("{ }") == []
    assert numbers("{1, 2.5e-1,\t-3 }") == [1, 0.25, -3]
    assert numbers("{0 1  1}") == [0, 1, 1]
    assert numbers("{1, 2, }") == [1, 2]
    assert numbers("{1, x}") is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1"])
def test_encodings(encoding):
    assert decode("Gewässer".encode(encoding)) == "Gewässer"
    assert decode(b"\x81") == "\x81"  # of no code page


def test_more_bytes_than_the_header_tells_is_a_doubt(tmp_path):
    write_envi(tmp_path / "cube.img", CUBE, "lines = 3\n")
    (doubt,) = read_array(tmp_path / "cube.img").doubts
    assert "120 bytes, but its ENVI header describes 90" in doubt


def test_frame_offsets_are_refused(tmp_path):
    write_envi(tmp_path / "cube.img", CUBE, "major frame offsets = {4, 0}\n")
    with pytest.raises(SceneError, match="major frame offsets"):
        read_array(tmp_path / "cube.img")


def test_byte_order_mark_is_told(tmp_path):
    write_envi(tmp_path / "cube.img", CUBE, encoding="utf-8-sig")
    with pytest.raises(SceneError, match="starts with a byte-order mark"):
        read_array(tmp_path / "cube.img")


@pytest.mark.parametrize("name", ["a.bin", "a.raw", "a.dat"])
def test_raw_numbers_without_a_header(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x01\x02" * 60)
    with pytest.raises(SceneError, match=r"write a\.hdr next to it: a line ENVI, then .*samples"):
        read_array(tmp_path / name)


def test_text_in_utf_16():
    assert decode("; ROI name: Größe".encode("utf-16")) == "; ROI name: Größe"
