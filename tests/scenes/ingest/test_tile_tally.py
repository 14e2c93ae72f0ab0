"""What is told of a mosaic, at once or some rows at a time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bdgf.raster.windows import Window
from bdgf.scenes.ingest.found_array import FoundArray, TileOwners, TilePlace
from bdgf.scenes.ingest.tile_tally import TileTally, tell_by_windows, tell_joined
from tests.scenes.ingest.raw_arrays import cube, image

NUMBERS = np.array([[1, 1, 0, 2], [1, 1, 0, 2], [1, 2, 0, 2]], np.uint8)
DIFFERING = np.array([0, 2, 1])
OWNERS = TileOwners(NUMBERS, Affine.identity(), DIFFERING)


@pytest.fixture
def mosaic() -> FoundArray:
    found = image(cube(np.zeros((3, 4, 1))))[0]
    return replace(found, tiles=tuple(TilePlace(Path(f"{i}.tif"), 0, 0, (3, 2)) for i in range(2)))


def part(rows: slice) -> TileOwners:
    return TileOwners(NUMBERS[rows], Affine.identity(), DIFFERING[rows])


@pytest.mark.parametrize("bounds", [[(0, 3)], [(0, 1), (1, 3)], [(0, 2), (1, 3)]])
def test_rows_are_added_up_and_count_once(mosaic, caplog, bounds):
    caplog.set_level("INFO", "bdgf")
    tally = TileTally(mosaic)
    for rows in (slice(*pair) for pair in bounds):
        tally.add(rows, part(rows))
    tally.tell()
    told, warned = caplog.records
    assert "2 tiles joined to 3 x 4 pixels, 25 % of them in no tile" in told.getMessage()
    assert warned.levelname == "WARNING"
    assert "3 pixels lie in several tiles that hold other values there" in warned.getMessage()
    caplog.clear()
    tell_joined(replace(mosaic, owners=OWNERS))
    assert caplog.messages == [told.getMessage(), warned.getMessage()]


def test_alike_tiles_without_gaps_are_no_warning(mosaic, caplog):
    caplog.set_level("INFO", "bdgf")
    whole = TileOwners(np.ones((3, 4), np.uint8), Affine.identity(), np.zeros(3, int))
    tell_joined(replace(mosaic, owners=whole))
    (told,) = caplog.messages
    assert told.endswith("2 tiles joined to 3 x 4 pixels")


PLACES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(1, 4), st.integers(1, 4)),
    min_size=1,
    max_size=5,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(places=PLACES)
def test_windows_of_overlaps_count_each_pixel_once(caplog, places):
    caplog.set_level("INFO", "bdgf")
    caplog.clear()
    tiles = tuple(TilePlace(Path("a.tif"), y, x, (h, w)) for y, x, h, w in places)
    shape = (max(t.row + t.shape[0] for t in tiles), max(t.column + t.shape[1] for t in tiles))
    covered = np.zeros(shape, int)
    for tile in tiles:
        rows = slice(tile.row, tile.row + tile.shape[0])
        covered[rows, tile.column : tile.column + tile.shape[1]] += 1
    found = replace(image(cube(np.zeros((*shape, 1))))[0], tiles=tiles)
    read = []

    def joined(window: Window) -> FoundArray:
        read.append(int(np.prod(window.shape)))
        several = covered[window.index] > 1
        assert several.all()  # nothing else is read
        numbers = np.ones(window.shape, np.uint8)
        return replace(found, owners=TileOwners(numbers, Affine.identity(), several.sum(axis=1)))

    tell_by_windows(found, joined)
    by_windows = list(caplog.messages)
    assert sum(read) == (covered > 1).sum()
    caplog.clear()
    owners = TileOwners(covered > 0, Affine.identity(), (covered > 1).sum(axis=1))
    tell_joined(replace(found, owners=owners))
    assert by_windows == caplog.messages
