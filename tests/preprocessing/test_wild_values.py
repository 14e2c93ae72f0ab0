"""Values that nobody measured are found; heavy tails, sparse bands and masks are left alone."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.preprocessing import pixel_chunks
from bdgf.preprocessing.wild_values import find_wild_values, ordinary_range

RNG = np.random.default_rng(0)
SIZE = (60, 50)
GROUND = np.abs(1e-6 * RNG.normal(size=SIZE))
HEIGHTS = 1000 + 300 * RNG.random(SIZE)
MEASURED = {
    "reflectance": RNG.normal(0.2, 0.05, SIZE),
    "reflectance x 10000": RNG.lognormal(7.5, 0.5, SIZE),
    "heights": HEIGHTS,
    "decibels": RNG.normal(-15, 4, SIZE),
    "speckle": RNG.exponential(0.05, SIZE),
}
TAILS = {
    "linear SAR": RNG.lognormal(-3, 2.5, SIZE),
    "digital numbers of SAR": 1e4 * RNG.pareto(1.2, SIZE),
    "LiDAR intensity": np.clip(RNG.lognormal(6, 1.5, SIZE), 0, 65535),
    "counts": RNG.poisson(0.02, SIZE) * RNG.integers(1, 400, SIZE),
    "buildings on flat ground": np.where(
        RNG.random(SIZE) < 0.01, 3 + 90 * RNG.random(SIZE), GROUND
    ),
    "heights with 0": np.where(RNG.random(SIZE) < 0.02, 0.0, HEIGHTS),
    "a constant": np.full(SIZE, 412.7),
    "all fill": np.full(SIZE, -9999.0),
    "a class beyond a gap": np.where(RNG.random(SIZE) < 0.2, 1e7, 1 + RNG.random(SIZE)),
}
MASKS = {"rare": 65535.0 * (RNG.random(SIZE) < 0.01), "half": 32767.0 * (RNG.random(SIZE) < 0.5)}
FILLS = (1e20, -9999, -32768, 65535, 3.4e38, np.finfo(np.float32).min, -999, 7.7e12)


def found(*bands, mask=None):
    values = np.stack(bands, axis=-1).astype(np.float32)
    modality = xr.DataArray(values, dims=("y", "x", "band"), name="made")
    return find_wild_values(modality, np.ones(SIZE, bool) if mask is None else mask)


@pytest.mark.parametrize("name", [*MEASURED, *TAILS])
@pytest.mark.parametrize("factor", [1.0, -1.0, 1e-4, 10.0])
def test_nothing_measured_is_wild(name, factor):
    values = (MEASURED | TAILS)[name] * factor
    assert found(values, MEASURED["decibels"])[1] == []


@pytest.mark.parametrize("name", MASKS)
def test_the_limit_of_a_type_is_no_fill_value_in_a_mask(name):
    assert found(MASKS[name]) == (None, [])


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(list(MEASURED)),
    value=st.sampled_from(FILLS),
    pixels=st.sets(st.integers(0, SIZE[0] * SIZE[1] - 1), min_size=1, max_size=150),
)
def test_a_wild_value_is_found_with_its_band_and_its_pixels(name, value, pixels):
    band = MEASURED[name].astype(np.float32)
    places = np.unravel_index(sorted(pixels), SIZE)
    band[places] = value
    wild, [told] = found(MEASURED["speckle"], band)
    assert {tuple(place) for place in np.argwhere(wild)} == set(zip(*places, strict=True))
    assert (told.band, told.pixels, told.values) == (1, len(pixels), (float(np.float32(value)),))
    assert told.looks_like_fill == (value != 7.7e12)


def test_several_wild_values_of_one_band():
    band = MEASURED["reflectance"].copy()
    band[0, :5] = [1e20, -9999, 1e7, -32768, 7e30]
    wild, [told] = found(band)
    assert wild.sum() == told.pixels == 5
    assert len(told.values) == 5
    assert not told.looks_like_fill
    assert told.ordinary == pytest.approx((band[1:].min(), band[1:].max()), abs=0.1)


def test_one_number_that_many_pixels_hold_needs_less_distance():
    band = MEASURED["reflectance x 10000"].copy()
    band[:1, :12] = 8e6
    assert found(band)[0].sum() == 12
    band[0, 0] = MEASURED["reflectance x 10000"][0, 0]
    band[0, 1:12] = 8e6 + np.arange(11) * 1000  # a class of its own, maybe
    assert found(band) == (None, [])


def test_sparse_bands_are_judged_by_their_rare_values():
    band = np.zeros(SIZE)
    band[:2] = 1 + RNG.random((2, 50)) * 9
    band[3, :4] = 2e6
    assert found(band)[0].sum() == 4
    dead = np.zeros(SIZE)
    dead[4, 4] = 1e13  # no code and no count
    assert found(dead)[0].sum() == 1
    dead[4, 4] = -9999
    assert found(dead)[0].sum() == 1
    dead[4, 4] = 5000
    assert found(dead) == (None, [])


def test_a_fill_value_that_most_pixels_hold_is_found():
    band = HEIGHTS.copy()
    band[:40] = -9999
    assert found(band)[0].sum() == 2000


def test_invalid_pixels_are_not_looked_at(monkeypatch):
    monkeypatch.setattr(pixel_chunks, "_CHUNK_VALUES", 130)
    band, mask = HEIGHTS.copy(), np.ones(SIZE, bool)
    band[7, 7], band[9, 9], mask[7] = 1e20, -9999, False
    wild, [told] = found(band, mask=mask)
    assert np.argwhere(wild).tolist() == [[9, 9]]
    assert told.values == (-9999,)


def test_the_range_of_few_values():
    assert ordinary_range(np.float32([3])) == (3, 3)
    assert ordinary_range(np.float32([-9999])) == (-9999, -9999)
    assert ordinary_range(np.float32([1, 2, -9999])) == (1, 2)
