from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from bdgf.core.errors import SceneError
from bdgf.raster.windows import Window
from bdgf.scenes.ingest.decoding import decode_image
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.mosaic import described, joined, joined_window, partly
from bdgf.scenes.readers.raw_array import RawArray, WindowsError
from bdgf.scenes.readers.reading_limits import ReadingLimits, reading_limits
from tests.scenes.ingest.raw_arrays import cube, image

PLACE = Affine(10, 0, 500_000, 0, -10, 5_000_000)
UTM = CRS.from_epsg(32632)
TOLERANCE = 1e-3
RNG = np.random.default_rng(0)
WHOLE = RNG.integers(1, 200, (9, 7, 2)).astype(np.int16)


def tile(values, row=0, column=0, **said) -> RawArray:
    place = {"crs": UTM, "transform": PLACE @ Affine.translation(column, row)}
    return cube(values, **(place | said))


def join(*tiles: RawArray, **changes) -> RawArray:
    """The one array of these tiles; the reader counts how often it reads each."""
    return joined_item(*tiles, **changes).arrays[0]


def joined_item(*tiles: RawArray, nodata=None, **changes) -> FoundArray:
    paths = tuple(Path(f"t{i}.tif") for i in range(len(tiles)))
    source = image(tiles[0])[1].sources[0].model_copy(update={"file": ("t*.tif",), **changes})
    item = FoundArray("mine", "modality 'hsi'", source, (), paths)
    return joined(item, lambda path: tiles[paths.index(path)], nodata, TOLERANCE)


def cuts(length: int):
    return st.sets(st.integers(1, length - 1), max_size=3).map(
        lambda inner: [0, *sorted(inner), length]
    )


@settings(max_examples=40, deadline=None)
@given(rows=cuts(9), columns=cuts(7), data=st.data())
def test_an_image_cut_into_tiles_comes_together_again(rows, columns, data):
    places = [(r0, r1, c0, c1) for r0, r1 in pairwise(rows) for c0, c1 in pairwise(columns)]
    kept = data.draw(st.lists(st.sampled_from(places), min_size=1, unique=True))
    array = join(*(tile(WHOLE[r0:r1, c0:c1], r0, c0) for r0, r1, c0, c1 in kept))
    top, left = min(p[0] for p in kept), min(p[2] for p in kept)
    there = np.zeros(WHOLE.shape[:2], bool)
    for r0, r1, c0, c1 in kept:
        there[r0:r1, c0:c1] = True
    box = np.s_[top : max(p[1] for p in kept), left : max(p[3] for p in kept)]
    np.testing.assert_array_equal(array.values[there[box]], WHOLE[box][there[box]])
    masked = np.zeros_like(there[box]) if array.masked is None else array.masked
    np.testing.assert_array_equal(masked, ~there[box])
    assert array.transform == PLACE @ Affine.translation(left, top)
    assert array.values.dtype == WHOLE.dtype


def test_the_first_tile_with_data_counts_where_several_lie(caplog):
    a, b = WHOLE[:6].copy(), WHOLE[4:].copy()
    a[4, 2] = -1  # no data in the first, data in the second
    b[1, 3] += 1  # row 5: data in both, which differ
    b[0, 5] = a[4, 5] = -1  # no data in either
    array = join(tile(a, nodata=((-1,),)), tile(b, 4, nodata=((-1,),)))
    expected = WHOLE.copy()
    expected[4, 5] = -1
    np.testing.assert_array_equal(array.values, expected)
    assert array.nodata == ((-1,),)
    assert array.masked is None
    assert "1 pixels lie in several tiles that hold other values there; the first" in caplog.text


def test_a_pixel_of_three_tiles_that_differ_counts_once(caplog):
    join(tile(WHOLE), tile(WHOLE + 1), tile(WHOLE + 2))
    assert f"{WHOLE[..., 0].size} pixels lie in several tiles" in caplog.text


def test_equal_overlaps_are_not_spoken_of(caplog):
    join(tile(WHOLE[:6]), tile(WHOLE[3:], 3))
    assert "other values" not in caplog.text


@pytest.mark.parametrize(
    "hide",
    [
        lambda t, m: replace(t, masked=m[..., 0]),
        lambda t, m: replace(t, masked=m),
        lambda t, m: replace(t, values=np.where(m, np.nan, t.values.astype(np.float32))),
        lambda t, m: replace(t, values=np.where(m, -5, t.values), valid_range=(0, 1000)),
    ],
)
def test_what_a_tile_hides_gives_way_to_the_next(hide):
    hidden = np.zeros((6, 7, 2), bool)
    hidden[5, 1] = True
    said = {"valid_range": (0, 1000)} if hide(tile(WHOLE[:6]), hidden).valid_range else {}
    array = join(hide(tile(WHOLE[:6]), hidden), tile(WHOLE[4:], 4, **said))
    np.testing.assert_array_equal(array.values, WHOLE)
    assert array.masked is None


def test_nodata_values_that_differ_become_a_mask():
    a, b = WHOLE[:5].copy(), WHOLE[5:].copy()
    a[0, 0, 1], b[0, 0, 0] = -1, -2
    array = join(tile(a, nodata=((-1,),)), tile(b, 5, nodata=((-2,),)))
    assert array.nodata == ((),)
    assert np.argwhere(array.masked).tolist() == [[0, 0, 1], [5, 0, 0]]
    # Unless the scene's file says that such values are data.
    array = join(tile(a, nodata=((-1,),)), tile(b, 5, nodata=((-2,),)), nodata="none")
    assert array.masked is None


def test_nodata_values_that_differ_are_masked_beside_masks_by_band():
    a, b = WHOLE[:5].copy(), WHOLE[5:].copy()
    b[0, 0, 1] = -2
    hidden = np.zeros(b.shape, bool)
    hidden[1, 1, 0] = True
    array = join(tile(a, nodata=((-1,),)), tile(b, 5, nodata=((-2,),), masked=hidden))
    assert np.argwhere(array.masked).tolist() == [[5, 0, 1], [6, 1, 0]]


def test_masks_of_files_may_be_left_out_but_not_gaps():
    hidden = np.ones((5, 3), bool)
    found = joined_item(tile(WHOLE[:5, :3], masked=hidden), tile(WHOLE[:5, 5:], 0, 5), mask="none")
    assert found.source.mask == "stored"
    np.testing.assert_array_equal(
        found.arrays[0].masked, np.tile(np.isin(np.arange(7), (3, 4)), (5, 1))
    )
    alpha = joined_item(tile(WHOLE[:5], alpha=1), tile(WHOLE[5:], 5, alpha=1), mask="none")
    assert alpha.arrays[0].alpha is None


def test_wider_numbers_hold_all_tiles_and_names_are_of_the_whole():
    found = joined_item(tile(WHOLE[:5].astype(np.uint8)), tile(WHOLE[5:].astype(np.float32), 5))
    assert found.arrays[0].values.dtype == np.float32
    assert found.where == "t*.tif"
    assert [place.path.name for place in found.tiles] == ["t0.tif", "t1.tif"]
    assert len(found.arrays) == len(found.paths) == len(found.source.file) == 1


def part_of(array: RawArray, window: Window) -> RawArray:
    masked = None if array.masked is None else array.masked[window.index]
    shape = array.values.shape[:2]
    return replace(array, values=array.values[window.index], masked=masked, whole=shape)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), keeps=st.booleans(), mask=st.sampled_from([None, "none"]))
def test_windows_of_tiles_are_parts_of_the_whole(data, keeps, mask):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    tiles = []
    for number in range(data.draw(st.integers(1, 4))):
        shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
        values = rng.integers(-3, 4, (*shape, 2)).astype(np.int16)
        masked = rng.random((*shape, 2)[: data.draw(st.integers(2, 3))]) < 0.2
        said = {"nodata": ((-1 if keeps else -1 - number % 2,),)}
        if data.draw(st.booleans()):
            said["masked"] = masked
        row, column = data.draw(st.tuples(st.integers(0, 6), st.integers(0, 6)))
        tiles.append(tile(values, row, column, **said))
    paths = tuple(Path(f"t{i}.tif") for i in range(len(tiles)))
    source = image(tiles[0])[1].sources[0].model_copy(update={"file": ("t*.tif",), "mask": mask})
    item = FoundArray("mine", "modality 'hsi'", source, (), paths)
    whole = joined(item, lambda path: tiles[paths.index(path)], None, TOLERANCE)
    first = Window(slice(0, 1), slice(0, 1))
    opened, _ = described(item, lambda p: part_of(tiles[paths.index(p)], first), TOLERANCE)
    shape = whole.arrays[0].values.shape[:2]
    assert opened.arrays[0].values.shape[:2] == opened.arrays[0].whole == shape
    assert opened.arrays[0].transform == whole.arrays[0].transform
    spans = []
    for length in shape:
        start = data.draw(st.integers(0, length - 1))
        spans.append(slice(start, data.draw(st.integers(start + 1, length))))
    window = Window(*spans)
    part = joined_window(opened, lambda p, w: part_of(tiles[paths.index(p)], w), None, window)
    modality = image(tiles[0])[1]
    one, other = (
        decode_image(found, modality, shape, is_whole=False)
        for found, shape in ((whole, shape), (part, window.shape))
    )
    np.testing.assert_array_equal(other.has_data, one.has_data[window.index])
    if window.columns == slice(0, shape[1]):
        np.testing.assert_array_equal(part.owners.differing, whole.owners.differing[window.rows])
    data_there = other.has_data
    np.testing.assert_array_equal(other.values[data_there], one.values[window.index][data_there])


def test_a_part_of_a_tile_with_an_alpha_band_tells_too_little():
    read = partly(lambda path: tile(WHOLE, alpha=1))
    with pytest.raises(WindowsError, match=r"t\.tif: its alpha band wants all of it"):
        read(Path("t.tif"))


def test_a_vertical_part_does_not_count():
    compound = CRS.from_string("EPSG:32632+3855")
    array = join(tile(WHOLE[:4]), tile(WHOLE[4:], 4, crs=compound))
    np.testing.assert_array_equal(array.values, WHOLE)


def test_tiles_far_apart_are_refused_before_memory_is_taken():
    limits = ReadingLimits(most_bytes=10**6, seconds=1)
    with reading_limits(limits), pytest.raises(SceneError, match=r"mosaic of 2 tiles declares .*"):
        join(tile(WHOLE), tile(WHOLE, 10**6, 10**6))


@settings(max_examples=40, deadline=None)
@given(rows=cuts(9), columns=cuts(7), data=st.data())
def test_each_pixel_knows_its_tile_in_the_whole_and_in_windows(rows, columns, data):
    places = [(r0, r1, c0, c1) for r0, r1 in pairwise(rows) for c0, c1 in pairwise(columns)]
    kept = data.draw(st.lists(st.sampled_from(places), min_size=1, unique=True))
    tiles = [tile(WHOLE[r0:r1, c0:c1], r0, c0) for r0, r1, c0, c1 in kept]
    found = joined_item(*tiles)
    top, left = min(p[0] for p in kept), min(p[2] for p in kept)
    expected = np.zeros(WHOLE.shape[:2], int)
    for number, (r0, r1, c0, c1) in enumerate(kept, 1):
        expected[r0:r1, c0:c1] = number
    bottom, right = max(p[1] for p in kept), max(p[3] for p in kept)
    expected = expected[top:bottom, left:right]
    np.testing.assert_array_equal(found.owners.numbers, expected)
    assert found.owners.transform == found.arrays[0].transform
    first_row = data.draw(st.integers(0, bottom - top - 1))
    first_column = data.draw(st.integers(0, right - left - 1))
    window = Window(slice(first_row, bottom - top), slice(first_column, right - left))
    paths = [Path(f"t{i}.tif") for i in range(len(tiles))]

    def read(path, part):
        array = tiles[paths.index(path)]
        values = array.values[part.rows, part.columns]
        return replace(array, values=values, whole=array.values.shape[:2])

    part = joined_window(found, read, None, window)
    np.testing.assert_array_equal(part.owners.numbers, expected[window.index])
    moved = Affine.translation(first_column, first_row)
    assert part.owners.transform == found.owners.transform @ moved


def test_where_tiles_overlap_the_one_that_the_pixel_is_taken_of_owns_it():
    first, second = np.full((2, 4, 1), 5, np.int16), np.full((2, 4, 1), 7, np.int16)
    first[0, 3] = -1  # no data, where the second tile has some
    second[1, 0] = -1
    found = joined_item(tile(first), tile(second, 0, 2), nodata=(-1,))
    assert found.owners.numbers.tolist() == [[1, 1, 1, 2, 2, 2], [1, 1, 1, 1, 2, 2]]
    values = found.arrays[0].values[..., 0]
    np.testing.assert_array_equal(values == 7, found.owners.numbers == 2)
