import numpy as np
import pytest
import xarray as xr

from bdgf.evaluation.scene_check.layers import PERCENTILES, layer_mask, look_at_layer
from tests.evaluation.scene_check.planted import demo


def test_numbers_are_those_of_the_pixels_with_data():
    scene = demo()
    mask = scene["valid"].to_numpy() != 0
    layer = look_at_layer(scene["optical"], mask, None)
    inside = scene["optical"].to_numpy()[mask]
    np.testing.assert_array_equal(layer.least, inside.min(axis=0))
    np.testing.assert_array_equal(layer.greatest, inside.max(axis=0))
    np.testing.assert_allclose(layer.percentiles, np.percentile(inside, PERCENTILES, axis=0))
    np.testing.assert_array_equal(layer.percentile(50), layer.percentiles[2])
    assert layer.no_data == pytest.approx((~mask).mean())


def test_a_layer_has_its_own_mask_where_the_scene_holds_one():
    scene = demo()
    own = np.zeros((96, 96), np.uint8)
    scene = scene.assign(valid_sar=(("y", "x"), own))
    assert not layer_mask(scene, "sar").any()
    np.testing.assert_array_equal(layer_mask(scene, "height"), scene["valid"].to_numpy() != 0)


@pytest.mark.parametrize(
    ("name", "units", "kind", "is_height"),
    [
        ("any", "m", "auxiliary", True),
        ("lidar", "", "auxiliary", True),
        ("any", "m, counts, shares", "auxiliary", True),
        ("dem", "", "auxiliary", True),
        ("sar", "dB", "auxiliary", False),
        ("demand", "", "auxiliary", False),
        ("lidar", "", "spectral", False),
    ],
)
def test_what_counts_as_heights(name, units, kind, is_height):
    values = xr.DataArray(
        np.random.default_rng(0).normal(size=(4, 4, 1)).astype(np.float32),
        dims=("y", "x", "band"),
        name=name,
        attrs={"kind": kind, "units": units},
    )
    assert look_at_layer(values, np.ones((4, 4), bool), None).is_height == is_height
