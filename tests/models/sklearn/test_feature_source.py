"""Pixels of a scene in bands of rows."""

import numpy as np
import pytest

from bdgf.models.sklearn import feature_source
from bdgf.models.sklearn.feature_source import reader_of_maps, wanted_bands


@pytest.mark.parametrize("pixels", [1, 7, 24, 10_000])
def test_bands_hold_each_wanted_pixel_once_in_order(pixels, monkeypatch):
    monkeypatch.setattr(feature_source, "_BAND", pixels)
    rng = np.random.default_rng(0)
    wanted = rng.random((13, 6)) < 0.3
    wanted[4:9] = False
    bands = list(wanted_bands(wanted))
    assert all(band.any() for band in bands)
    assert all(np.ptp(np.nonzero(band)[0]) < max(pixels // 6, 1) for band in bands)
    table = reader_of_maps(rng.normal(size=(3, 13, 6)).astype(np.float32))
    np.testing.assert_array_equal(np.concatenate([table(band) for band in bands]), table(wanted))


def test_nothing_wanted_is_no_band():
    assert list(wanted_bands(np.zeros((5, 4), bool))) == []
