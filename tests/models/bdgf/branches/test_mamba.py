"""The orders in which a grid's cells are scanned."""

import pytest

from bdgf.models.bdgf.branches.mamba import scan_positions


@pytest.mark.parametrize("size", [1, 2, 3, 6, 11])
def test_the_spiral_visits_every_cell_once_by_neighbours_and_ends_in_the_middle(size):
    order = scan_positions(size, "spiral")
    assert sorted(order.tolist()) == list(range(size * size))
    rows, cols = order // size, order % size
    assert ((rows.diff().abs() + cols.diff().abs()) == 1).all()
    middle = [(size - 1) // 2, size // 2]
    assert int(rows[-1]) in middle
    assert int(cols[-1]) in middle


def test_rows_are_scanned_in_reading_order():
    assert scan_positions(3, "rows").tolist() == list(range(9))
