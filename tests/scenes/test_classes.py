"""The classes of a scene, and maps of their ids."""

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.classes import check_ids, listing
from bdgf.scenes.scene import ClassTable


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((1, 3), ("a", "b"), ("#000000", "#ffffff")), "without gaps"),
        (((2, 1), ("a", "b"), ("#000000", "#ffffff")), "without gaps"),
        (((1, 2), ("a", "a"), ("#000000", "#ffffff")), "names repeat"),
        (((1,), ("a",), ("red",)), "'#rrggbb'"),
        (((1,), ("a", "b"), ("#000000",)), "an id, a name and a colour"),
    ],
)
def test_class_tables_that_cannot_be(arguments, message):
    with pytest.raises(SceneError, match=message):
        ClassTable(*arguments)


def test_names_are_enough_for_a_table():
    table = ClassTable.of([f"class {i}" for i in range(25)])
    assert table.ids == tuple(range(1, 26))
    assert table.count == 25
    assert table.name(25) == "class 24"
    assert len(set(table.colors)) == 20  # of the palette
    assert table.colors[20:] == table.colors[:5]


def test_more_classes_than_a_byte_holds_are_refused():
    with pytest.raises(SceneError, match="256 classes, but at most 255"):
        ClassTable.of([f"class {i}" for i in range(256)])


def test_ids_of_the_table_and_zero_may_stand_in_a_map():
    table = ClassTable.of(["a", "b"])
    check_ids("labels", np.array([[0, 1], [2, 0]]), table)
    with pytest.raises(SceneError, match=r"labels holds -1, 3, 7, which the class list \(1..2, 0"):
        check_ids("labels", np.array([[0, 1], [-1, 7], [3, 7]]), table)


def test_an_empty_table_allows_no_label():
    check_ids("labels", np.zeros((2, 2), int), ClassTable.of([]))
    with pytest.raises(SceneError, match=r"labels holds 1, which the class list \(empty\)"):
        check_ids("labels", np.array([0, 1]), ClassTable.of([]))


def test_long_lists_are_cut():
    assert listing([1, 2.5, 3]) == "1, 2.5, 3"
    assert listing(range(9), most=2) == "0, 1 and 7 more"
