"""What stands where in the demo scene."""

import numpy as np
import pytest

from bdgf.scenes.synthetic.landscape import (
    BUILDINGS,
    CROPS,
    GRASS,
    ROADS,
    TREES,
    WATER,
    draw_ground,
    normal,
    smooth_field,
)


@pytest.fixture(scope="module", params=[48, 96])
def ground(request):
    return draw_ground(np.random.default_rng(0), request.param)


def test_every_class_has_its_place_and_none_all_of_it(ground):
    shares = np.bincount(ground.classes.ravel(), minlength=7) / ground.classes.size
    assert shares[0] == 0
    assert (shares[1:] > 0.005).all()
    assert (shares < 0.6).all()


def test_heights_are_those_of_what_stands_there(ground):
    flat = np.isin(ground.classes, (WATER, ROADS))
    assert (ground.height[flat] == 0).all()
    assert (ground.height[ground.classes == BUILDINGS] >= 2.4).all()
    assert ground.height[ground.classes == TREES].min() > 0.3
    crops = ground.height[ground.classes == CROPS]
    assert ((crops >= 0.3) & (crops <= 1.4)).all()
    assert (ground.height[ground.classes == GRASS] < 0.2).all()


def test_a_building_is_one_object_of_one_height(ground):
    built = ground.classes == BUILDINGS
    for number in np.unique(ground.objects[built]):
        of_one = built & (ground.objects == number)
        assert len(np.unique(ground.height[of_one])) == 1


def test_crop_rows_have_a_phase_everywhere(ground):
    assert ground.rows.min() >= 0
    assert ground.rows.max() <= 1


def test_the_generator_decides_everything():
    first, second, other = (draw_ground(np.random.default_rng(seed), 48) for seed in (3, 3, 4))
    for name in ("classes", "objects", "height", "rows"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert (first.classes != other.classes).mean() > 0.2


def test_noise_is_nearly_normal_and_bounded():
    drawn = normal(np.random.default_rng(0), (200, 200))
    assert abs(drawn.mean()) < 0.02
    assert drawn.std() == pytest.approx(1, abs=0.02)
    assert np.abs(drawn).max() <= 6


@pytest.mark.parametrize("sigma", [1.0, 5.0])
def test_a_smooth_field_fills_its_range_and_is_the_smoother_the_wider(sigma):
    field, wider = (smooth_field(np.random.default_rng(0), (60, 60), s) for s in (sigma, 2 * sigma))
    assert (field.min(), field.max()) == (pytest.approx(-1), pytest.approx(1))
    assert np.abs(np.diff(wider)).mean() < np.abs(np.diff(field)).mean()
