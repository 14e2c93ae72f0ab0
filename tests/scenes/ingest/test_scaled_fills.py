import numpy as np
import pytest

from bdgf.scenes.ingest.scaled_fills import warn_of_fills
from tests.scenes.ingest.raw_arrays import cube, image

VALUES = np.arange(100, 220, dtype=np.int16).reshape(10, 6, 2)
BANDS = np.array([0, 1])


def warned(caplog, fill, masked=None, settings=None, **said):
    values = VALUES.copy()
    values[2, 3, 1] = fill
    array = cube(values, **said)
    found, modality = image(array, **(settings or {}))
    warn_of_fills(found, modality, array, BANDS, masked)
    return "looks like a fill value" in caplog.text


@pytest.mark.parametrize("fill", [-9999, -32768, 32767])
def test_a_fill_value_that_nobody_declared_is_told_with_its_band(caplog, fill):
    assert warned(caplog, fill)
    assert f"band 1 of the file (counted from 0) holds {fill} as stored (1 pixels)" in caplog.text


def test_no_warning_of_what_is_known_hidden_or_near(caplog):
    hidden = np.zeros((10, 6), bool)
    hidden[2, 3] = True
    assert not warned(caplog, -9999, nodata=((-9999,),))
    assert not warned(caplog, -9999, settings={"nodata": -9999})
    assert not warned(caplog, -9999, masked=hidden)
    assert not warned(caplog, -9999, masked=np.repeat(hidden[..., None], 2, axis=2))
    assert not warned(caplog, -9999, valid_range=(0, 10000))
    assert not warned(caplog, -9998)


def test_a_sensor_may_saturate(caplog):
    values = VALUES * 100
    values[0, 0] = 32767
    array = cube(values)
    warn_of_fills(*image(array), array, BANDS, None)
    assert not caplog.records
