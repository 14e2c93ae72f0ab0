"""Class and uncertainty maps."""

import numpy as np
from scipy.stats import entropy

from bdgf.evaluation.maps import class_map, color_image, color_table, entropy_map, overview
from bdgf.scenes.scene import ClassTable


def test_the_class_map_takes_the_most_probable_class_where_there_is_data():
    probabilities = np.array([[[0.1, 0.7]], [[0.6, 0.2]], [[0.3, 0.1]]])
    ids = class_map(probabilities, np.array([[True, False]]))
    assert ids.dtype == np.uint8
    assert ids.tolist() == [[2, 0]]


def test_entropy_runs_from_0_to_1_and_is_nan_without_data():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), (5, 6)).transpose(2, 0, 1).astype(np.float32)
    probabilities[:, 0, 0] = [1, 0, 0, 0]
    probabilities[:, 0, 1] = 0.25
    valid = np.ones((5, 6), bool)
    valid[4, 5] = False
    result = entropy_map(probabilities, valid)
    assert result.dtype == np.float32
    assert result[0, 0] == 0.0
    assert result[0, 1] == 1.0
    assert np.isnan(result[4, 5])
    expected = entropy(probabilities, axis=0) / np.log(4)
    np.testing.assert_allclose(result[valid], expected[valid], atol=1e-6)


def test_colours_are_those_of_the_classes():
    classes = ClassTable.of(["a", "b"], ["#ff0000", "#0080ff"])
    assert color_table(classes) == {0: (255, 255, 255), 1: (255, 0, 0), 2: (0, 128, 255)}
    image = color_image(np.array([[0, 2]], np.uint8), classes)
    assert image.tolist() == [[[255, 255, 255], [0, 128, 255]]]


def test_an_overview_is_every_nth_pixel_and_small_maps_are_whole():
    values = np.arange(70).reshape(7, 10)
    np.testing.assert_array_equal(overview(values, 10), values)
    np.testing.assert_array_equal(overview(values, 4), values[::3, ::3])
    assert max(overview(values, 4).shape) <= 4
