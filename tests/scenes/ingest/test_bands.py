import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.bands import choose_bands, ranges, refuse_all_hidden
from bdgf.scenes.sources import Source
from tests.scenes.ingest.raw_arrays import cube, image

BAD = frozenset({1, 3})
SIX = np.zeros((4, 5, 6))


def rgba(alpha):
    values = np.full((10, 20, 4), 7, np.uint8)
    values[..., 3] = alpha
    return cube(values, alpha=3)


MASK = np.where(np.arange(20) < 3, 0, 255)
NEAR_INFRARED = np.arange(200).reshape(10, 20)


def bands_of(*arrays, **settings):
    return [chosen.bands for chosen in choose_bands(*image(*arrays, **settings))]


def test_all_bands():
    assert bands_of(cube(SIX)) == [(0, 1, 2, 3, 4, 5)]


def test_bad_bands_are_left_out_unless_asked_for():
    array = cube(SIX, bad_bands=BAD)
    assert bands_of(array) == [(0, 2, 4, 5)]
    assert bands_of(array, bad_bands="keep") == [(0, 1, 2, 3, 4, 5)]
    assert bands_of(array, channels=[3, 0]) == [(3, 0)]
    (chosen,) = choose_bands(*image(array))
    assert chosen.notes == ("2 of 6 bands marked bad and left out (1, 3)",)


def test_bands_are_counted_over_all_files():
    one, other = cube(SIX[..., :2]), cube(SIX[..., :3], bad_bands=frozenset({0}))
    assert bands_of(one, other, channels="1, 3-4") == [(1,), (1, 2)]
    assert bands_of(one, other, exclude=[0, 4]) == [(1,), (1,)]
    chosen = choose_bands(*image(one, other, channels=[4, 0, 2]))
    assert [c.places for c in chosen] == [(1,), (0, 2)]


@pytest.mark.parametrize("expected", [6, 4])
def test_the_number_may_count_bad_bands_or_not(expected):
    assert bands_of(cube(SIX, bad_bands=BAD), bands=expected) == [(0, 2, 4, 5)]
    with pytest.raises(SceneError, match=r"has 4 bands \(6 with those marked bad\), expected 5"):
        bands_of(cube(SIX, bad_bands=BAD), bands=5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": [6]}, "has 6 bands, counted from 0, but `channels` names 6"),
        ({"exclude": "2-9"}, "`exclude` names 6"),
        ({"exclude": "0-5"}, "no band is left"),
    ],
)
def test_bands_that_are_not_there(settings, message):
    with pytest.raises(SceneError, match=message):
        bands_of(cube(SIX), **settings)


@pytest.mark.parametrize(
    ("alpha", "settings", "is_mask"),
    [
        (MASK, {}, True),
        (255, {}, True),
        (MASK, {"bands": 4}, False),
        (NEAR_INFRARED, {"bands": 4}, False),
        (NEAR_INFRARED, {"bands": 3}, True),
        (NEAR_INFRARED, {"mask": "stored"}, True),
        (MASK, {"mask": "none"}, False),
        (NEAR_INFRARED, {"channels": [3, 0, 1]}, False),
    ],
)
def test_a_band_flagged_as_alpha(alpha, settings, is_mask):
    (chosen,) = choose_bands(*image(rgba(alpha), **settings))
    assert (chosen.alpha == 3) == is_mask
    assert (3 in chosen.bands) != is_mask
    assert "alpha" in chosen.notes[0]


def test_an_alpha_band_with_many_values_is_no_guess():
    with pytest.raises(SceneError, match=r"band 3 is flagged as alpha.*`bands: 4`.*`mask: stored`"):
        bands_of(rgba(NEAR_INFRARED))


@given(st.sets(st.integers(0, 40), min_size=1))
def test_ranges_are_what_the_settings_read(bands):
    assert set(Source(file="a", channels=ranges(bands)).channels) == bands


def test_an_alpha_band_that_is_an_image_and_not_asked_for_is_no_mask():
    assert bands_of(rgba(NEAR_INFRARED), channels="0-2") == [(0, 1, 2)]
    assert bands_of(rgba(NEAR_INFRARED), exclude=3) == [(0, 1, 2)]
    with pytest.raises(SceneError, match="`mask: none` where it is a band"):
        bands_of(rgba(np.where(NEAR_INFRARED < 150, 0, NEAR_INFRARED)), channels="0-2")


@pytest.mark.parametrize(
    ("kind", "palette", "warned"),
    [
        ("spectral", {0: (0, 0, 0), 5: (9, 9, 9)}, False),
        ("spectral", {0: (9, 9, 9), 5: (0, 0, 0)}, True),
        ("spectral", {0: (0, 0, 0), 5: (0, 9, 0)}, True),
        ("auxiliary", {0: (0, 0, 0), 5: (0, 9, 0)}, False),  # heights shown in colours
    ],
)
def test_numbers_that_stand_for_colours_are_warned_of(kind, palette, warned, caplog):
    found, modality = image(cube(SIX[..., :1], palette=palette), kind=kind)
    choose_bands(found, modality)
    assert ("stand for colours" in caplog.text) == warned


def test_a_mask_that_hides_all_is_told():
    found, _ = image(cube(SIX), cube(SIX))
    refuse_all_hidden(found, [3, 0], 20)
    with pytest.raises(SceneError, match=r"hsi1\.dat hides all pixels; set `mask: none`"):
        refuse_all_hidden(found, [3, 20], 20)
