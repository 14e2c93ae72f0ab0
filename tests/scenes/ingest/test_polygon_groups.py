import numpy as np
import shapely

from bdgf.scenes.ingest.burning import burn
from bdgf.scenes.ingest.polygon_groups import polygon_groups


def burned(*boxes, classes):
    shapes = np.array([shapely.box(*box) for box in boxes], object)
    return burn(shapes, np.array(classes), (3, 10)), np.array(classes)


def test_those_of_one_class_that_share_pixels_are_one_group_through_others_too():
    # The second lies under the third; the first and the second share pixels.
    one = burned((0, 0, 3, 1), (2, 0, 5, 1), (3, 0, 7, 1), (8, 0, 9, 3), classes=[1, 1, 1, 1])
    assert polygon_groups([one])[0].tolist() == [1, 1, 1, 1, 1, 1, 1, 0, 2, 0]


def test_neighbours_stay_two():
    one = burned((0, 0, 3, 3), (3, 0, 5, 3), classes=[1, 1])
    assert polygon_groups([one])[1, :6].tolist() == [1, 1, 1, 2, 2, 0]


def test_polygons_of_two_files_are_one_where_they_are_of_one_class():
    labels = burned((0, 0, 4, 1), (5, 0, 8, 1), classes=[1, 2])
    official = burned((2, 0, 5, 1), (7, 0, 10, 1), classes=[1, 1])
    groups = polygon_groups([labels, official])
    assert groups[0].tolist() == [1, 1, 1, 1, 1, 2, 2, 3, 3, 3]


def test_every_pixel_may_lie_in_one():
    assert (polygon_groups([burned((0, 0, 10, 3), classes=[1])]) == 1).all()
