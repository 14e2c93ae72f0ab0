"""What is told of a mosaic, at once or some rows at a time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from bdgf.scenes.ingest.found_array import FoundArray, TileOwners, TilePlace
from bdgf.scenes.ingest.tile_tally import TileTally, tell_joined
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
