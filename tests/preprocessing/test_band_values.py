"""What of a modality's bands is standardised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdgf.preprocessing.band_values import BandValues, brightness
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import valid_mask
from tests.preprocessing.small_scene import make_scene

SETTINGS = PreparationSettings()


def draw_pixels(bands, count=7):
    return np.random.default_rng(bands).uniform(0.5, 2, (count, bands))


@given(bands=st.integers(1, 40), averages=st.integers(0, 8), apart=st.booleans())
def test_the_values_are_brightness_shapes_and_averages_in_this_order(bands, averages, apart):
    averages = min(averages, bands)
    pixels = draw_pixels(bands)
    form = BandValues("linear", 1e-3 if apart else None, averages)
    values = form.of(pixels, SETTINGS)
    assert values.shape == (7, form.count(bands))
    divisor = brightness(pixels) if apart else 1
    np.testing.assert_allclose(values[:, form.shapes], pixels / divisor)
    if apart:
        np.testing.assert_allclose(values[:, :1], np.log(divisor))
    if averages:
        sizes = [len(part) for part in np.array_split(np.arange(bands), averages)]
        found = values[:, -averages:]
        np.testing.assert_allclose(found @ sizes, pixels.sum(axis=1))  # each band is in one
        np.testing.assert_allclose(found[:, 0], pixels[:, : sizes[0]].mean(axis=1))


def test_intensities_are_averaged_in_decibels():
    pixels = 10 ** draw_pixels(6)
    values = BandValues("log", averages=2).of(pixels, SETTINGS)
    decibels = 10 * np.log10(pixels)
    np.testing.assert_allclose(values[:, :6], decibels)
    np.testing.assert_allclose(values[:, 6], decibels[:, :3].mean(axis=1))


def test_averages_are_standardised_channels_and_do_not_change_the_components():
    scene = make_scene()
    mask, bands = valid_mask(scene), scene["optical"].to_numpy().astype(float)
    with_averages, without = (
        fit_preparation(scene, PreparationSettings(components=4, averages=count, clip=None))
        for count in (5, 0)
    )
    found = with_averages.apply(scene)["optical"].to_numpy()
    components = without.apply(scene)["optical"].to_numpy()
    np.testing.assert_allclose(found[: len(components)], components, atol=1e-5)
    expected = np.stack([part.mean(-1) for part in np.array_split(bands[mask], 5, axis=-1)])
    expected = (expected - expected.mean(1, keepdims=True)) / expected.std(1, keepdims=True)
    np.testing.assert_allclose(found[len(components) :, mask], expected, atol=1e-4)


@pytest.mark.parametrize("averages", [10, 16, 1000])
def test_an_average_is_of_two_bands_at_least(averages):
    scene = make_scene(bands=20)
    fitted = fit_preparation(scene, PreparationSettings(components=4, averages=averages))
    assert fitted.modalities["optical"].averages == 10
