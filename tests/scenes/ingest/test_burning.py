import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.scenes.ingest.burning import are_outside, burn

SIZE = (12, 9)
CENTRES = np.meshgrid(np.arange(SIZE[1]) + 0.5, np.arange(SIZE[0]) + 0.5)
CORNERS = st.floats(-5, 16, allow_nan=False).map(lambda value: value + 0.0123)


@settings(max_examples=200, deadline=None)
@given(corners=st.lists(st.tuples(CORNERS, CORNERS), min_size=3, max_size=7))
def test_a_polygon_holds_the_pixels_whose_centres_lie_inside(corners):
    shape = shapely.convex_hull(shapely.MultiPoint(corners))
    if shape.geom_type != "Polygon":
        return
    burned = burn(np.array([shape], object), np.array([1]), SIZE)
    near = shapely.dwithin(shape.boundary, shapely.points(*CENTRES), 1e-9)  # on an edge: either
    inside = shapely.contains_xy(shape, *CENTRES)
    assert ((burned.owners == 1) == inside)[~near].all()
    assert burned.bare == int(not burned.owners.any())


def test_the_last_of_one_class_has_the_pixel_and_other_classes_are_counted():
    shapes = [shapely.box(0, 0, 4, 4), shapely.box(2, 0, 6, 4), shapely.box(3, 0, 8, 1)]
    burned = burn(np.array(shapes, object), np.array([1, 1, 2]), SIZE)
    assert burned.owners[0, :8].tolist() == [1, 1, 2, 3, 3, 3, 3, 3]
    assert [pair.tolist() for pair in burned.overlaps] == [[[1, 2]], []]
    assert burned.conflicts.sum() == 3  # the pixels 3, 4 and 5 of the first row
    assert burned.mixed == {(1, 2): 3}


def test_outside_is_what_does_not_touch_the_grid():
    shapes = [
        shapely.box(8, 11, 20, 20),
        shapely.box(9, 0, 10, 10),
        shapely.Point(-0.01, 3),
        shapely.Point(0, 0),
        shapely.Point(np.inf, 3),
        shapely.MultiPoint(),
    ]
    expected = [False, True, True, False, True, True]
    assert are_outside(np.array(shapes, object), SIZE).tolist() == expected
