"""The channels that are made of a modality's bands."""

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA

from bdgf.core.errors import SceneError
from bdgf.preprocessing import modality_transform, pixel_chunks
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import ClassTable, ModalityArray, new_scene, valid_mask
from tests.messages import telling
from tests.preprocessing.small_scene import make_scene, whole_spectra


def test_components_are_those_of_scikit_learn():
    scene = make_scene()
    fitted = fit_preparation(scene, whole_spectra(reduction="pca", components=4, clip=None))
    pixels = scene["optical"].to_numpy()[valid_mask(scene)].astype(float)
    reference = PCA(4, svd_solver="full").fit(pixels)
    components = fitted.modalities["optical"].components
    np.testing.assert_allclose(
        np.abs((components * reference.components_).sum(axis=1)), 1, atol=1e-9
    )
    largest = np.abs(components).argmax(axis=1)
    assert (components[np.arange(4), largest] > 0).all()
    channels = fitted.apply(scene)["optical"].to_numpy()[:, valid_mask(scene)]
    expected = reference.transform(pixels)
    np.testing.assert_allclose(np.abs(channels.T), np.abs(expected / expected.std(0)), atol=1e-4)


def make_smooth_scene(noise=0.3, bands=12):
    """Three smooth sources in `bands` bands under white noise, one band of noise alone."""
    rng = np.random.default_rng(3)
    sources = gaussian_filter(rng.normal(size=(40, 36, 3)), (3, 3, 0))
    optical = sources / sources.std((0, 1)) @ rng.normal(size=(3, bands))
    optical += noise * rng.normal(size=optical.shape)
    optical[..., 4] = 50 * rng.normal(size=(40, 36))
    labels = rng.integers(0, 3, (40, 36))
    modalities = {
        "optical": ModalityArray(optical, "spectral"),
        "height": ModalityArray(rng.random((40, 36, 1)), "auxiliary", "m"),
    }
    valid = rng.random((40, 36)) < 0.9
    return new_scene("smooth", modalities, labels, ClassTable.of(["a", "b"]), valid=valid)


def test_minimum_noise_fraction_is_that_of_a_general_eigensolver():
    scene = make_smooth_scene()
    fitted = fit_preparation(scene, whole_spectra(components=3, clip=None))
    mask, values = valid_mask(scene), scene["optical"].to_numpy().astype(float)
    pixels = values[mask] - values[mask].mean(0)
    pairs = [
        values[first] - values[second]
        for row, column in np.ndindex(mask.shape)
        for first in [(row, column)]
        for second in [(row + 1, column), (row, column + 1)]
        if second[0] < 40 and second[1] < 36 and mask[first] and mask[second]
    ]
    noise = np.cov(np.array(pairs).T, bias=True) / 2
    total = pixels.T @ pixels / len(pixels)
    ratios, axes = np.linalg.eig(np.linalg.solve(noise, total))
    order = ratios.real.argsort()[::-1][:3]
    found = fitted.modalities["optical"].components
    cosines = (found / np.linalg.norm(found, axis=1, keepdims=True) * axes.real[:, order].T).sum(1)
    np.testing.assert_allclose(np.abs(cosines), 1, atol=1e-3)
    channels = fitted.apply(scene)["optical"].to_numpy()[:, mask]
    np.testing.assert_allclose(channels.var(1), 1 - 1 / ratios.real[order], rtol=2e-2)


@pytest.mark.parametrize("reduction", ["mnf", "pca"])
def test_light_changes_the_brightness_and_no_other_channel(reduction):
    scene = make_smooth_scene()
    scene["optical"][:] = np.abs(scene["optical"]) + 1
    settings = PreparationSettings(reduction=reduction, components=4, clip=None, averages=0)
    mask, light = valid_mask(scene), np.random.default_rng(0).uniform(0.5, 2, (40, 36))
    optical = scene["optical"].to_numpy() * light[..., None]
    lit = scene.assign(optical=(scene["optical"].dims, optical))
    lit["optical"].attrs = scene["optical"].attrs
    first, second = (
        fit_preparation(s, settings).apply(s)["optical"].to_numpy()[:, mask] for s in (scene, lit)
    )
    np.testing.assert_allclose(second[1:], first[1:], atol=1e-3)
    brightness = np.log(np.sqrt((lit["optical"].to_numpy()[mask] ** 2).mean(-1)))
    expected = (brightness - brightness.mean()) / brightness.std()
    np.testing.assert_allclose(second[0], expected, atol=1e-3)
    assert np.abs(second[0] - first[0]).max() > 0.5


def test_dark_pixels_are_not_divided_by_their_darkness():
    scene = make_smooth_scene()
    scene["optical"][:] = np.abs(scene["optical"]) + 1
    scene["optical"][:, :9] *= 1e-6
    settings = PreparationSettings(components=4, brightness_floor=0.5)
    fitted = fit_preparation(scene, settings)
    mask = valid_mask(scene)
    brightness = np.sqrt((scene["optical"].to_numpy()[mask].astype(float) ** 2).mean(-1))
    least = fitted.modalities["optical"].least_brightness
    assert least == pytest.approx(0.5 * brightness.mean())
    dark = fitted.apply(scene)["optical"].to_numpy()[:, :, :9][:, mask[:, :9]]
    assert dark[1:].std(axis=1).max() < 1e-3  # no noise is made of nothing


def test_components_of_noise_are_dropped_and_a_noisy_band_rules_nothing():
    scene = make_smooth_scene()
    fitted = fit_preparation(scene, whole_spectra(components=8, least_signal=0.3))
    components = fitted.modalities["optical"].components
    assert len(components) == 3
    assert (np.abs(components).argmax(axis=1) != 4).all()
    principal = fit_preparation(scene, whole_spectra(reduction="pca", components=3))
    assert np.abs(principal.modalities["optical"].components[0]).argmax() == 4


def test_a_modality_of_noise_alone_keeps_one_channel():
    rng = np.random.default_rng(0)
    scene = make_scene(optical=ModalityArray(rng.normal(size=(24, 17, 6)), "spectral"))
    prepared = fit_preparation(scene, whole_spectra(components=5, least_signal=0.9)).apply(scene)
    assert prepared["optical"].shape == (1, 24, 17)
    assert np.isfinite(prepared["optical"].to_numpy()).all()


@pytest.mark.parametrize("reduction", ["mnf", "pca"])
def test_chunks_do_not_change_the_result(monkeypatch, reduction):
    scene = make_scene()
    settings = PreparationSettings(reduction=reduction, components=4)
    whole = stack_channels(fit_preparation(scene, settings).apply(scene))[0]
    monkeypatch.setattr(pixel_chunks, "_CHUNK_VALUES", 700)  # two rows
    parts = stack_channels(fit_preparation(scene, settings).apply(scene))[0]
    np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_few_bands_stay_as_they_are():
    scene = make_scene(bands=6)
    prepared = fit_preparation(scene, whole_spectra(reduction="pca", components=6)).apply(scene)
    values = scene["optical"].to_numpy()[valid_mask(scene)].astype(float)
    expected = (values - values.mean(0)) / values.std(0)
    np.testing.assert_allclose(
        prepared["optical"].to_numpy()[:, valid_mask(scene)].T, expected, atol=1e-4
    )


def test_intensities_are_taken_to_decibels_above_the_floor():
    scene = make_scene()
    scene["sar"][3, 4] = 0.0
    scene["valid"][3, 4] = 1
    settings = PreparationSettings(intensity_floor=1e-3, clip=None, power="never")
    fitted = fit_preparation(scene, settings)
    decibels = 10 * np.log10(np.maximum(scene["sar"].to_numpy()[valid_mask(scene)], 1e-3))
    np.testing.assert_allclose(fitted.modalities["sar"].band_mean, decibels.mean(0), rtol=1e-6)
    linear = fit_preparation(scene, PreparationSettings(to_db=False, power="never"))
    assert abs(linear.modalities["sar"].band_mean[0] - 1.0) < 0.2


@pytest.mark.parametrize("components", [30, 4])
def test_constant_bands_give_zeros_not_nan(components):
    rng = np.random.default_rng(0)
    optical = rng.random((24, 17, 8)).astype(np.float32)
    optical[..., 3] = 0.1
    scene = make_scene(
        optical=ModalityArray(optical, "spectral"),
        height=ModalityArray(np.full((24, 17), 412.7), "auxiliary"),
    )
    settings = PreparationSettings(reduction="pca", components=components)
    channels, slices = stack_channels(fit_preparation(scene, settings).apply(scene))
    assert np.isfinite(channels).all()
    assert (channels[slices["height"]] == 0).all()


def test_components_beyond_the_rank_are_zero_not_noise():
    rng = np.random.default_rng(0)
    optical = rng.normal(size=(24, 17, 3)) @ rng.normal(size=(3, 12))
    scene = make_scene(optical=ModalityArray(np.float32(optical * 1000) / 1000, "spectral"))
    scene["optical"][:] = scene["optical"][..., :1] * np.arange(1, 13, dtype=np.float32)
    channels, _ = stack_channels(
        fit_preparation(scene, whole_spectra(reduction="pca", components=5)).apply(scene)
    )
    mask = valid_mask(scene)
    assert np.isfinite(channels).all()
    np.testing.assert_allclose(channels[0, mask].std(), 1, atol=1e-3)


def test_a_hot_pixel_does_not_rule_the_components():
    scene = make_scene()
    calm = fit_preparation(scene, whole_spectra(reduction="pca", components=3))
    row, column = np.argwhere(valid_mask(scene))[40]
    scene["optical"][row, column, 7] = 1e6
    hot = fit_preparation(scene, whole_spectra(reduction="pca", components=3)).apply(scene)
    kept = hot["optical"].to_numpy()[:, valid_mask(scene)]
    before = calm.apply(scene)["optical"].to_numpy()[:, valid_mask(scene)]
    assert np.abs(kept).max() <= 6.0
    assert np.isfinite(before).all()


@pytest.mark.parametrize("reduction", ["mnf", "pca"])
@pytest.mark.parametrize("apart", [True, False])
@given(
    value=st.sampled_from([1e20, -9999.0, -32768.0, 3.4e38, 65535.0]),
    where=st.sets(st.tuples(st.integers(0, 23), st.integers(0, 16)), min_size=1, max_size=12),
    band=st.sampled_from([0, 7, None]),
    name=st.sampled_from(["optical", "height", "sar"]),
)
@hypothesis.settings(max_examples=12, deadline=None)
def test_wild_pixels_move_no_statistic(reduction, apart, value, where, band, name):
    settings = PreparationSettings(reduction=reduction, components=4, brightness_apart=apart)
    wild, without = make_scene(), make_scene()
    places = tuple(np.array(sorted(where)).T)
    band = slice(None) if band is None else band % wild[name].shape[-1]
    wild["valid"][:] = without["valid"][:] = 1
    wild[name].to_numpy()[*places, band] = value
    without["valid"].to_numpy()[places] = 0
    found = fit_preparation(wild, settings)
    expected = fit_preparation(without, settings).to_weights().tensors
    for key, tensor in found.to_weights().tensors.items():
        if key.startswith(name):
            np.testing.assert_array_equal(tensor, expected[key])
    prepared = found.apply(wild)[name].to_numpy()
    assert np.abs(prepared).max() <= settings.clip


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_a_wild_pixel_is_warned_of_in_one_line(caplog):
    scene = make_scene()
    row, column = np.argwhere(valid_mask(scene))[40]
    scene["optical"][row, column, 7] = -9999
    fit_preparation(scene, PreparationSettings())
    (message,) = warnings_of(caplog)
    for words in ("optical", "band 7", "-9999 (1 pixel", "looks like a fill", "nodata: -9999"):
        assert words in message


def test_a_scene_without_wild_values_is_fitted_on_all_its_pixels(caplog, monkeypatch):
    scene = make_scene()
    fitted = fit_preparation(scene, PreparationSettings(components=4)).to_weights()
    monkeypatch.setattr(modality_transform, "find_wild_values", lambda *_: (None, []))
    expected = fit_preparation(scene, PreparationSettings(components=4)).to_weights()
    for key, tensor in expected.tensors.items():
        np.testing.assert_array_equal(fitted.tensors[key], tensor)
    assert not warnings_of(caplog)


def test_without_clipping_a_wild_pixel_stays_a_number_whose_square_is_one():
    scene = make_scene()
    row, column = np.argwhere(valid_mask(scene))[40]
    for name in ("optical", "height"):
        scene[name][row, column] = 3.4e38
    prepared = fit_preparation(scene, PreparationSettings(components=4, clip=None)).apply(scene)
    channels, _ = stack_channels(prepared)
    assert np.isfinite((channels**2).sum(dtype=np.float32))


def test_a_modality_of_wild_pixels_alone_is_refused():
    scene = make_scene()
    optical = scene["optical"].to_numpy()
    for band in range(20):
        optical.reshape(-1, 20)[band::20, band] = -9999
    with pytest.raises(SceneError, match=telling("optical", "every pixel", "nodata")):
        fit_preparation(scene, PreparationSettings())


def test_decibels_are_not_taken_to_decibels_again():
    scene = make_scene()
    scene["sar"][:] = 10 * np.log10(scene["sar"] + 1e-3) - 12
    with pytest.raises(SceneError, match=telling("sar", "decibels", "to_decibels: false")):
        fit_preparation(scene, PreparationSettings())
    prepared = fit_preparation(scene, PreparationSettings(to_db=False)).apply(scene)
    assert prepared["sar"].to_numpy()[:, valid_mask(scene)].std() > 0.5
