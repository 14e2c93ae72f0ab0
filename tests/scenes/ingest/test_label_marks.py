import numpy as np
import pytest

from bdgf.scenes.ingest.label_marks import by_other_marks
from tests.scenes.ingest.raw_arrays import labels
from tests.scenes.ingest.test_label_values import CLASSES, COLOURS, coloured, config, flat, ids

IDS = np.array([[0, 1, 2], [3, 3, 1]], np.uint8)
BLUE, GREEN, YELLOW, BLACK, WHITE = (
    *((0, 0, 255), (0, 160, 0), (255, 208, 0), (0, 0, 0), (255, 255, 255)),
)
TURNED = {0: GREEN, 1: YELLOW, 2: BLACK, 3: BLUE}  # as programs number the colours of an image
RIGHT = np.array([[2, 3, 0], [1, 1, 3]])


def test_the_colours_of_a_colour_table_come_before_its_numbers(caplog):
    np.testing.assert_array_equal(ids(flat(IDS, palette=TURNED), coloured()), RIGHT)
    assert "0 is dry grass, 1 is road, 2 is unlabelled, 3 is water" in caplog.text


@pytest.mark.parametrize(
    "palette",
    [
        {0: BLACK, 1: BLUE, 2: GREEN, 3: YELLOW},
        {0: BLUE, 1: BLUE, 2: GREEN, 3: YELLOW},  # unlabelled in a class's colour
        {0: BLACK, 1: WHITE, 2: GREEN, 3: BLUE},  # a colour of no class
    ],
)
def test_a_colour_table_that_fits_or_does_not_tell_leaves_the_numbers(palette, caplog):
    np.testing.assert_array_equal(ids(flat(IDS, palette=palette), coloured()), IDS)
    assert not caplog.records


def test_the_values_of_classes_rule():
    said = [{**c, "color": COLOURS[c["id"]], "values": c["id"]} for c in CLASSES]
    np.testing.assert_array_equal(ids(flat(IDS, palette=TURNED), config(said)), IDS)
    names = {1: "road", 2: "water", 3: "dry grass"}
    np.testing.assert_array_equal(ids(flat(IDS, value_names=names), config(said)), IDS)


def test_names_of_classes_come_before_numbers(caplog):
    names = {0: "Unclassified", 1: "Road", 2: "water", 3: "Dry_Grass"}
    right = np.array([[0, 3, 1], [2, 2, 3]])
    np.testing.assert_array_equal(ids(flat(IDS, value_names=names)), right)
    assert "1 is road, 2 is water, 3 is dry grass" in caplog.text


def test_names_of_no_class_leave_the_numbers(caplog):
    names = {0: "Unclassified", 1: "road", 2: "b", 3: "c"}
    np.testing.assert_array_equal(ids(flat(IDS, value_names=names)), IDS)
    assert not caplog.records


def test_nothing_tells_the_numbers_outside():
    known, mapped = np.array([0.0, 9.0]), np.zeros(2, np.uint8)
    found = labels(flat(IDS))
    assert by_other_marks(found, config(), known, mapped, are_outside=True) is None
    assert by_other_marks(found, config(), known, mapped, are_outside=False) is mapped
