import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from bdgf.core.errors import SceneError
from tests.scenes.ingest.test_mosaic import PLACE, WHOLE, join, tile


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"transform": None}, r"t1\.tif has no georeference.*`mosaic: false`"),
        ({"crs": CRS.from_epsg(32633)}, r"t0\.tif is in EPSG:32632 but t1\.tif in EPSG:32633"),
        ({"transform": PLACE @ Affine.translation(0, 4.5)}, r"t1\.tif lies up to 0\.5 pixels off"),
        ({"transform": PLACE @ Affine.translation(0, 4) @ Affine.scale(2)}, r"pixels off the grid"),
        ({"transform": PLACE @ Affine.translation(0, 9) @ Affine.scale(1, -1)}, r"pixels off"),
        ({"scale": (0.1,)}, r"t1\.tif declares another scale \(0\.1\) than t0\.tif \(1\.0\)"),
        ({"units": "m"}, r"another units \(m\) than t0\.tif \(none\)"),
    ],
)
def test_tiles_that_do_not_belong_together_are_one_line(other, message):
    with pytest.raises(SceneError, match=message) as caught:
        join(tile(WHOLE[:4]), tile(WHOLE[4:], 4, **other))
    assert "\n" not in str(caught.value)


def test_tiles_have_the_same_bands():
    with pytest.raises(SceneError, match=r"t1\.tif has 1 bands but t0\.tif 2"):
        join(tile(WHOLE[:4]), tile(WHOLE[4:, :, :1], 4))


def test_a_tile_of_lesser_numbers_may_come_first():
    array = join(tile(WHOLE[4:], 4), tile(WHOLE[:4]))
    np.testing.assert_array_equal(array.values, WHOLE)
    assert array.transform == PLACE
