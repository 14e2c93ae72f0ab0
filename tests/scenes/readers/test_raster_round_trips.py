"""Random rasters, written without GDAL, come back equal with all that they declare."""

import math
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, TiffImagePlugin

from bdgf.scenes.readers.registry import read_array
from tests.data.raw_rasters import ENVI_TYPES, write_envi

SIZES = st.tuples(st.integers(2, 6), st.integers(1, 6), st.integers(1, 6))  # GDAL wants 2 bytes
# Pillow's modes of one band, and of three.
PILLOW_TYPES = st.sampled_from([np.uint8, np.uint16, np.int32, np.float32])
NAMES = st.text(st.characters(codec="latin-1", categories=["L", "N"]), min_size=1, max_size=8)


def _cubes(dtype):
    return SIZES.flatmap(lambda size: arrays(dtype, size))


@st.composite
def envi_images(draw):
    kind = draw(st.sampled_from(sorted(ENVI_TYPES)))
    order = draw(st.sampled_from("<>"))
    cube = draw(_cubes(np.dtype(kind)))
    count = cube.shape[2]
    numbers = st.floats(-1e6, 1e6).filter(bool)
    each = {
        "data gain values": draw(st.none() | st.lists(numbers, min_size=count, max_size=count)),
        "data offset values": draw(st.none() | st.lists(numbers, min_size=count, max_size=count)),
        "bbl": draw(st.none() | st.lists(st.sampled_from([0, 1]), min_size=count, max_size=count)),
        "band names": draw(st.none() | st.lists(NAMES, min_size=count, max_size=count)),
        "wavelength": draw(st.none() | st.lists(numbers, min_size=count, max_size=count)),
    }
    layout = {
        "dtype": order + kind,
        "interleave": draw(st.sampled_from(["bsq", "bil", "bip"])),
        "skip": draw(st.integers(0, 9)),
        "encoding": draw(st.sampled_from(["utf-8", "latin-1"])),
    }
    between = draw(st.sampled_from([", ", ",", ",\n  ", " ,\r\n"]))
    return cube, each, draw(st.none() | st.integers(-99, 99)), layout, between


@given(envi_images())
@settings(max_examples=40, deadline=None)
def test_envi(image):
    cube, each, ignored, layout, between = image
    fields = "".join(
        f"{name} = {{{between.join(map(str, values))}}}\n"
        for name, values in each.items()
        if values is not None
    )
    fields += f"data ignore value = {ignored}\n" if ignored is not None else ""
    with tempfile.TemporaryDirectory() as folder:
        read = read_array(write_envi(Path(folder) / "a.img", cube, fields, **layout))
    np.testing.assert_array_equal(read.values, cube)
    assert read.values.dtype == cube.dtype
    assert read.axes == ("y", "x", "band")
    count = cube.shape[2]
    for found, name, silent in (
        (read.scale, "data gain values", 1.0),
        (read.offset, "data offset values", 0.0),
    ):
        expected = each[name] or [silent] * count
        assert list(found if len(found) == count else found * count) == expected
    assert list(read.wavelengths) == (each["wavelength"] or [])
    assert list(read.band_names) == (each["band names"] or [])
    bad = {band for band, good in enumerate(each["bbl"] or []) if not good}
    assert read.bad_bands == (bad if len(bad) < count else set())
    hidden = [np.isin(cube[..., i], (read.nodata * count)[i]) for i in range(count)]
    told = np.zeros(cube.shape, bool) if ignored is None else cube == ignored
    np.testing.assert_array_equal(np.stack(hidden, axis=2), told)


@given(
    PILLOW_TYPES.flatmap(_cubes),
    st.none() | st.integers(-50, 300),
    st.sampled_from([None, "tiff_lzw", "tiff_adobe_deflate"]),
)
@settings(max_examples=40, deadline=None)
def test_pages_of_pillow(cube, nodata, compression):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    if nodata is not None:
        info[42113] = str(nodata)  # GDAL_NODATA
    pages = [Image.fromarray(np.ascontiguousarray(page)) for page in cube]  # rows are the pages
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tif"
        first, *others = pages
        options = {"compression": compression} if compression else {}
        first.save(path, save_all=True, append_images=others, tiffinfo=info, **options)
        read = read_array(path)
    values = read.values
    if values.shape[2] == len(pages) and read.axes is not None:  # one page, or pages as bands
        values = values.transpose(2, 0, 1)
    np.testing.assert_array_equal(values, cube)
    assert values.dtype == cube.dtype
    numbers = set().union(*read.nodata)
    holds = nodata is not None and _fits(nodata, cube.dtype)
    assert numbers == ({nodata} if holds else set())


def _fits(number, dtype):
    if dtype.kind == "f":
        return True
    return np.iinfo(dtype).min <= number <= np.iinfo(dtype).max


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 9))
)
@settings(max_examples=20, deadline=None)
def test_palettes_of_pillow(ids):
    table = [(37 * i % 256, 11 * i % 256, 255 - i) for i in range(10)]
    image = Image.frombytes("P", ids.shape[::-1], ids.tobytes())
    image.putpalette([part for color in table for part in color])
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.png", "a.tif"):
            image.save(Path(folder) / name)
            read = read_array(Path(folder) / name)
            np.testing.assert_array_equal(read.values[..., 0], ids)
            assert read.palette == {i: table[i] for i in np.unique(ids).tolist()}
            assert math.prod(read.values.shape) == ids.size
