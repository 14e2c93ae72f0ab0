"""What describes a pixel: channels, and statistics of leading components and auxiliary channels."""

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.decomposition import PCA

from bdgf.models.sklearn import pixel_features as module
from bdgf.models.sklearn.pixel_features import ChannelsAndWindow, StackedChannels, WindowSettings
from bdgf.models.sklearn.window_statistics import window_statistics
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.prepared_channels import average_channels, stack_channels
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import modality_names, spectral_names, valid_mask
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene

SETTINGS = WindowSettings(window=5, components=3)


def prepare(bands: int, components: int, averages: int = 0):
    scene = make_demo_scene(DemoSettings(size=48, bands=bands))
    settings = PreparationSettings(reduction="pca", components=components, averages=averages)
    return fit_preparation(scene, settings).apply(scene)


def auxiliary(prepared) -> np.ndarray:
    names = [n for n in modality_names(prepared) if n not in spectral_names(prepared)]
    return np.concatenate([prepared[name].to_numpy() for name in names])


def test_the_pixel_is_its_stacked_channels():
    prepared = prepare(12, 8)
    features = StackedChannels()
    np.testing.assert_array_equal(features.maps(prepared), stack_channels(prepared)[0])
    assert features.patch == 1


@pytest.mark.parametrize("wanted", [False, True])
def test_averages_of_bands_are_seen_at_the_pixel_where_they_are_asked_for(wanted):
    prepared, less = prepare(12, 4, averages=3), prepare(12, 4)
    asked = WindowSettings(window=5, components=9, averages=wanted)
    found = ChannelsAndWindow.fit(prepared, asked).maps(prepared)
    if wanted:
        channels = stack_channels(prepared)[0]
        np.testing.assert_array_equal(StackedChannels(averages=True).maps(prepared), channels)
        np.testing.assert_array_equal(found[: len(channels)], channels)
        found = np.delete(found, average_channels(prepared), axis=0)
    np.testing.assert_array_equal(found, ChannelsAndWindow.fit(less, asked).maps(less))


def test_components_of_minimum_noise_fraction_are_leading_ones_too():
    scene = make_demo_scene(DemoSettings(size=48, bands=12))
    prepared = fit_preparation(scene, PreparationSettings(components=8)).apply(scene)
    assert ChannelsAndWindow.fit(prepared, SETTINGS).state() == {}


def test_the_window_sees_the_leading_components_where_the_preparation_made_some():
    prepared = prepare(12, 8)
    features = ChannelsAndWindow.fit(prepared, SETTINGS)
    assert features.state() == {}
    (spectral,) = spectral_names(prepared)
    seen = np.concatenate([prepared[spectral].to_numpy()[:3], auxiliary(prepared)])
    expected = [stack_channels(prepared)[0], *window_statistics(seen, valid_mask(prepared), 5)]
    np.testing.assert_array_equal(features.maps(prepared), np.concatenate(expected))
    assert features.patch == 5


def test_components_of_bands_that_were_not_reduced_are_fitted_on_valid_pixels():
    prepared, mask = prepare(12, 30), valid_mask(prepare(12, 30))
    features = ChannelsAndWindow.fit(prepared, SETTINGS)
    (spectral,) = spectral_names(prepared)
    pixels = prepared[spectral].to_numpy()[:, mask].T
    axes = PCA(3).fit(pixels).components_
    ours = features.state()[spectral]
    np.testing.assert_allclose(np.abs((ours * axes).sum(axis=1)), 1, atol=1e-6)  # up to sign
    channels = len(stack_channels(prepared)[0])
    assert len(features.maps(prepared)) == channels + 2 * (3 + len(auxiliary(prepared)))


def test_what_was_fitted_is_what_another_scene_is_seen_with():
    features = ChannelsAndWindow.fit(prepare(12, 30), SETTINGS)
    again = ChannelsAndWindow(SETTINGS, features.state())
    other = prepare(12, 30).isel(y=slice(0, 20))
    np.testing.assert_array_equal(features.maps(other), again.maps(other))


def test_a_window_without_centre_is_refused():
    with pytest.raises(ValidationError, match="odd"):
        WindowSettings(window=4)


def test_axes_of_a_scene_that_is_read_in_parts_are_those_of_the_whole(monkeypatch):
    prepared = prepare(bands=8, components=30)
    whole = ChannelsAndWindow.fit(prepared, SETTINGS).axes
    monkeypatch.setattr(module, "rows_within", lambda values: 7)
    found = ChannelsAndWindow.fit(prepared, SETTINGS).axes
    assert found.keys() == whole.keys() != set()
    for name, axes in found.items():
        np.testing.assert_allclose(axes, whole[name], rtol=1e-5, atol=1e-6)
