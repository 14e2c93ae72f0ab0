"""Only intensities are taken to decibels."""

import numpy as np
import pytest
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.preprocessing.decibels import check_intensities
from tests.messages import numbers, telling

RNG = np.random.default_rng(0)
SIZE = (40, 50)
MASK = np.ones(SIZE, bool)
INTENSITIES = RNG.exponential(size=SIZE) + 1e-3


def check(*bands, mask=MASK):
    values = np.stack(bands, axis=-1).astype(np.float32)
    check_intensities(xr.DataArray(values, dims=("y", "x", "band"), name="sar"), mask, 1e-6)


def test_intensities_pass_without_a_word(caplog):
    check(INTENSITIES, 1e4 * INTENSITIES)
    assert not caplog.text


def test_decibels_are_refused():
    with pytest.raises(
        SceneError, match=telling("sar", "band 1", "decibels", "to_decibels: false")
    ):
        check(INTENSITIES, 10 * np.log10(INTENSITIES) - 12)


@pytest.mark.parametrize("positive", [0, 3])
def test_hardly_any_intensity_is_refused(positive):
    values = np.zeros(SIZE)
    values[0, :positive] = 0.5
    with pytest.raises(
        SceneError, match=telling(f"only {positive} of the 2000", "band 0", "nodata")
    ):
        check(values)


def test_a_few_without_logarithm_are_told(caplog):
    noisy = INTENSITIES.copy()
    noisy[0, :40] = -1e-3
    noisy[1, :5] = 0
    check(INTENSITIES, noisy)
    assert len(caplog.records) == 1
    assert "band 1" in caplog.text
    assert {45, 40, 5} <= set(numbers(caplog.messages[0], "sar"))
    assert "to_decibels: false" in caplog.text


def test_zeros_may_be_no_data(caplog):
    zeros = INTENSITIES.copy()
    zeros[:30] = 0
    check(zeros)
    assert "nodata: 0" in caplog.text


def test_invalid_pixels_do_not_count(caplog):
    values, mask = INTENSITIES.copy(), MASK.copy()
    values[5], mask[5] = -20, False
    check(values, mask=mask)
    assert not caplog.text
