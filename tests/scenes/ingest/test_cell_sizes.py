import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.raster.windows import Window
from bdgf.scenes.ingest.cell_sizes import (
    cell_numbers,
    cells_under,
    coarsened,
    covers,
    repeated,
    whole_multiple,
)
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.scene import ModalityArray

FINE = PixelGrid((24, 20), None, Affine(10, 0, 500_000, 0, -10, 5_000_000))
TOLERANCE = 1e-3


def coarse(size: float, shape, x: float = 0, y: float = 0) -> PixelGrid:
    step = 10 * size
    return PixelGrid(shape, None, Affine(step, 0, 500_000 + x, 0, -step, 5_000_000 + y))


def sides(least=1, most=12):
    return st.tuples(st.integers(least, most), st.integers(least, most))


@settings(max_examples=60, deadline=None)
@given(shape=sides(), size=st.integers(2, 5), beyond=sides(0, 4), seed=st.integers(0, 99))
def test_values_are_repeated_and_cut_at_the_edges(shape, size, beyond, seed):
    cells = tuple(-(-length // size) for length in shape)
    cells = tuple(max(n - (b > 2), 1) for n, b in zip(cells, beyond, strict=True))
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(*cells, 3)).astype(np.float32)
    has_data = rng.random(cells) < 0.7
    placed = repeated(ModalityArray(values, "auxiliary", has_data=has_data), size, shape)
    pad = [(0, max(s - n * size, 0)) for s, n in zip(shape, cells, strict=True)]
    whole = values.repeat(size, axis=0).repeat(size, axis=1)
    expected = np.pad(whole, (*pad, (0, 0)))[: shape[0], : shape[1]]
    np.testing.assert_array_equal(placed.values, expected)
    data = has_data.repeat(size, axis=0).repeat(size, axis=1)
    np.testing.assert_array_equal(placed.has_data, np.pad(data, pad)[: shape[0], : shape[1]])
    assert placed.cell_size == size
    numbers = cell_numbers(cells, size, shape)
    inside = numbers >= 0
    flat = values.reshape(-1, 3)
    np.testing.assert_array_equal(flat[numbers[inside]], expected[inside])
    np.testing.assert_array_equal(inside, np.pad(np.ones_like(data), pad)[: shape[0], : shape[1]])


@settings(max_examples=60, deadline=None)
@given(size=st.integers(2, 5), less=sides(-4, 4), data=st.data())
def test_a_window_of_repeated_cells_is_a_part_of_the_whole(size, less, data):
    cells = data.draw(sides(1, 6))
    shape = tuple(
        max(n * size - min(max(part, 1 - size), size - 1), 1)
        for n, part in zip(cells, less, strict=True)
    )
    values = np.arange(cells[0] * cells[1], dtype=np.float32).reshape(*cells, 1)
    whole = repeated(ModalityArray(values, "auxiliary"), size, shape)
    spans = []
    for length in shape:
        start = data.draw(st.integers(0, length - 1))
        spans.append(slice(start, data.draw(st.integers(start + 1, length))))
    window = Window(*spans)
    under = cells_under(window, size, cells)
    offset = (
        window.rows.start - under.rows.start * size,
        window.columns.start - under.columns.start * size,
    )
    part = ModalityArray(values[under.index], "auxiliary")
    placed = repeated(part, size, window.shape, offset)
    np.testing.assert_array_equal(placed.values, whole.values[window.index])
    np.testing.assert_array_equal(placed.has_data, whole.has_data[window.index])


@settings(max_examples=40, deadline=None)
@given(shape=sides(2), size=st.integers(2, 6), turn=st.sampled_from([(1, 1), (-1, 1), (-1, -1)]))
def test_whole_multiples_are_found_mirrored_or_not(shape, size, turn):
    fine = PixelGrid((shape[0] * size - 1, shape[1] * size), None, FINE.transform)
    grid = coarsened(fine, size, shape)
    down, right = turn
    mirror = Affine(right, 0, shape[1] * (right < 0), 0, down, shape[0] * (down < 0))
    turned = PixelGrid(shape, None, grid.transform @ mirror)
    assert whole_multiple(fine, turned, TOLERANCE) == size


@pytest.mark.parametrize(
    ("grid", "size"),
    [
        (coarse(2, (12, 10)), 2),
        (coarse(5, (5, 4)), 5),  # 1 pixel beyond the lower edge
        (coarse(5, (4, 4)), 5),  # 4 pixels without data
        (coarse(2, (12, 9)), None),  # a whole cell is missing
        (coarse(2, (13, 10)), None),
        (coarse(2, (12, 10), x=10), None),
        (coarse(2, (12, 10), y=-0.1), None),
        (coarse(2.5, (10, 8)), None),
        (coarse(1, (24, 20)), None),
        (PixelGrid((12, 10)), None),
        (PixelGrid((12, 10), None, Affine(20, 0, 500_000, 0, -30, 5_000_000)), None),
        (PixelGrid((12, 10), None, FINE.transform @ Affine.rotation(10) @ Affine.scale(2)), None),
    ],
)
def test_only_shared_lines_from_one_corner_count(grid, size):
    assert whole_multiple(FINE, grid, TOLERANCE) == size


def test_cells_may_miss_or_exceed_less_than_one():
    assert covers((9, 9), (5, 4), 2)
    assert not covers((9, 9), (6, 5), 2)
    assert not covers((9, 9), (3, 5), 2)
