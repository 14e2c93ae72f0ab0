"""Powers of heavy-tailed bands: scikit-learn's mathematics, kept order, any unit, any numbers."""

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import yeojohnson
from sklearn.preprocessing import PowerTransformer

from bdgf.core.errors import ArtifactError
from bdgf.core.weights import read_weights, write_weights
from bdgf.preprocessing import pixel_chunks, power
from bdgf.preprocessing.power import (
    BandPowers,
    drawn_pixels,
    fit_powers,
    inverse_yeo_johnson,
    median_and_spread,
    most_likely_power,
    yeo_johnson,
)
from bdgf.preprocessing.preparation import Preparation, fit_preparation
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import ModalityArray, valid_mask
from tests.preprocessing.small_scene import make_scene

ALWAYS = PreparationSettings(power="always", clip=None)
NEVER = PreparationSettings(power="never")
POWERS = st.floats(-1, 3)
NUMBERS = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-9)


def heavy(bands=3, size=(24, 17), seed=0):
    return np.exp(1.5 * np.random.default_rng(seed).normal(size=(*size, bands))) * 200


def heavy_scene(seed=0, scale=1.0, offset=0.0):
    return make_scene(
        height=ModalityArray(heavy(seed=seed) * scale + offset, "auxiliary", "counts")
    )


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 1e-14, 0.3, 1.0, 2.0, 3.0])
def test_the_transform_is_that_of_scipy(exponent):
    values = np.random.default_rng(0).normal(size=(500, 1)) * 30
    expected = yeojohnson(values[:, 0], lmbda=exponent)
    np.testing.assert_allclose(yeo_johnson(values, np.array([exponent]))[:, 0], expected, 1e-11)


def test_channels_are_those_of_scikit_learn():
    scene = heavy_scene()
    mask = valid_mask(scene)
    pixels = scene["height"].to_numpy()[mask].astype(float)
    center, spread = median_and_spread(pixels)
    reference = PowerTransformer(method="yeo-johnson").fit((pixels - center) / spread)
    fitted = fit_preparation(scene, ALWAYS)
    np.testing.assert_allclose(
        fitted.modalities["height"].powers.power, reference.lambdas_, atol=1e-4
    )
    found = fitted.apply(scene)["height"].to_numpy()[:, mask].T
    np.testing.assert_allclose(found, reference.transform((pixels - center) / spread), atol=2e-3)


@given(st.lists(NUMBERS, min_size=1, max_size=20), POWERS)
def test_it_inverts(values, exponent):
    values, exponents = np.array(values)[:, None], np.array([exponent])
    forward = yeo_johnson(values, exponents)
    back = inverse_yeo_johnson(forward, exponents)
    # Near its limit, powers below 0 and beyond 2 keep fewer digits the farther a value lies.
    lost = 1e-15 * (1 + np.abs(values)) ** 2
    assert (np.abs(back - values) <= 1e-9 * np.abs(values) + lost).all()


@given(st.lists(st.floats(allow_nan=False, allow_subnormal=False), min_size=2, max_size=30), POWERS)
def test_order_is_kept_and_infinity_is_survived(values, exponent):
    values = np.sort(values)[:, None]
    changed = yeo_johnson(values, np.array([exponent]))
    assert not np.isnan(changed).any()
    assert (changed[1:] >= changed[:-1]).all()
    assert (np.sign(changed) == np.sign(values)).all()


@given(st.integers(0, 10_000), st.integers(0, 10_000), POWERS)
def test_different_counts_stay_different(one, other, exponent):
    hypothesis.assume(one != other)
    changed = yeo_johnson(np.array([[one], [other]], float), np.array([exponent])).astype("float32")
    if max(one, other) <= 1000:
        assert (changed[0] > changed[1]) == (one > other)
    assert (changed[0] >= changed[1]) == (one >= other) or changed[0] == changed[1]


def test_the_pair_inverts_and_leaves_other_bands_as_they_are():
    values = heavy().reshape(-1, 3)
    powers = BandPowers(np.full(3, 150.0), np.full(3, 80.0), np.array([-0.3, 1.0, 0.5]))
    changed = powers.apply(values)
    np.testing.assert_array_equal(changed[:, 1], values[:, 1])
    assert (changed[:, 0] != values[:, 0]).all()
    np.testing.assert_allclose(powers.invert(changed), values, rtol=1e-9)


def test_a_lognormal_band_gets_about_the_logarithm_and_a_normal_band_nothing():
    rng = np.random.default_rng(0)
    sample = np.stack([np.exp(rng.normal(size=20_000)), rng.normal(size=20_000)], 1)
    powers = fit_powers(sample, PreparationSettings())
    assert powers.power[0] < 0.3
    assert powers.power[1] == 1.0
    assert fit_powers(sample[:, 1:], PreparationSettings()) is None
    assert fit_powers(sample, NEVER) is None


def test_the_gain_decides():
    sample = heavy().reshape(-1, 3)
    center, spread = median_and_spread(sample)
    gains = [most_likely_power((sample[:, b] - center[b]) / spread[b])[1] for b in range(3)]
    between = float(np.mean(sorted(gains)[:2]))
    powers = fit_powers(sample, PreparationSettings(power_gain=between))
    np.testing.assert_array_equal(powers.changed, np.array(gains) > between)
    assert fit_powers(sample, PreparationSettings(power_gain=10.0)) is None
    always = fit_powers(sample, PreparationSettings(power="always", power_gain=10.0))
    assert always.changed.all()


@pytest.mark.parametrize(
    "values",
    [
        np.full(400, 412.7),
        np.full(400, 412.7) + 1e-5 * np.random.default_rng(0).normal(size=400),
        np.zeros(400),
        np.array([5.0]),
        np.repeat([0.0, 3.0e9], [399, 1]),
        np.repeat([0.0, 1.0], 200),
        np.random.default_rng(0).poisson(0.2, 400),
        np.random.default_rng(0).standard_cauchy(400) * 1e6,
        np.random.default_rng(0).pareto(0.5, 400),
        -np.random.default_rng(0).pareto(0.5, 400),
        np.concatenate([np.zeros(390), np.geomspace(1, 1e30, 10)]),
    ],
    ids=[
        *("constant", "rounding", "zeros", "single", "one rare", "two"),
        *("counts", "cauchy", "right", "left", "far"),
    ],
)
@pytest.mark.parametrize("which", ["auto", "always"])
def test_bands_of_all_sorts_keep_their_order(values, which):
    values = np.asarray(values, np.float32).astype(float)[:, None]
    powers = fit_powers(values, PreparationSettings(power=which))
    if powers is None:
        return
    assert np.isfinite([powers.center, powers.spread, powers.power]).all()
    changed = powers.apply(values)[np.argsort(values[:, 0], kind="stable")]
    assert np.isfinite(changed).all()
    assert (np.diff(changed[:, 0]) >= 0).all()


def test_a_band_that_is_constant_but_for_rounding_gets_no_power():
    rng = np.random.default_rng(0)
    values = (412.7 + 1e-5 * rng.normal(size=(400, 1))).astype(np.float32).astype(float)
    assert fit_powers(values, PreparationSettings(power="always")) is None


@given(scale=st.sampled_from([1e-4, 0.3, 7.0, 1e4]), offset=st.sampled_from([-1e3, 0.0, 50.0]))
@hypothesis.settings(max_examples=12, deadline=None)
def test_the_unit_of_a_band_does_not_matter(scale, offset):
    sample = heavy().reshape(-1, 3)
    plain = fit_powers(sample, PreparationSettings())
    other = fit_powers(sample * scale + offset, PreparationSettings())
    np.testing.assert_allclose(other.power, plain.power, atol=1e-4)
    np.testing.assert_allclose(other.apply(sample * scale + offset), plain.apply(sample), atol=1e-3)


def test_values_are_drawn_alike_however_a_scene_is_read(monkeypatch):
    monkeypatch.setattr(power, "SAMPLE", 50)
    scene = heavy_scene()
    mask = valid_mask(scene)
    whole = drawn_pixels(scene["height"], mask)
    assert whole.shape == (50, 3)
    monkeypatch.setattr(pixel_chunks, "_CHUNK_VALUES", 100)
    np.testing.assert_array_equal(drawn_pixels(scene["height"], mask), whole)
    every = scene["height"].to_numpy()[mask].tolist()
    assert all(pixel in every for pixel in whole.tolist())


def test_a_window_gives_the_same_bits_as_the_whole(monkeypatch):
    scene = heavy_scene()
    fitted = fit_preparation(scene, PreparationSettings())
    assert fitted.modalities["height"].powers.changed.all()
    whole = fitted.apply(scene)
    monkeypatch.setattr(pixel_chunks, "_CHUNK_VALUES", 100)
    for rows, columns in ((slice(0, 5), slice(3, 17)), (slice(7, 24), slice(0, 1))):
        part = fitted.apply(scene.isel(y=rows, x=columns))
        np.testing.assert_array_equal(part["height"], whole["height"][:, rows, columns])
    np.testing.assert_array_equal(fitted.streamed(scene).load()["height"], whole["height"])


def test_pixels_without_data_stay_zero_and_wild_ones_move_no_power():
    scene, wild = heavy_scene(), heavy_scene()
    row, column = np.argwhere(valid_mask(scene))[40]
    scene["valid"].to_numpy()[row, column] = 0
    wild["height"].to_numpy()[row, column] = -9999
    expected, found = (fit_preparation(s, PreparationSettings()) for s in (scene, wild))
    for key, array in vars(expected.modalities["height"].powers).items():
        np.testing.assert_array_equal(getattr(found.modalities["height"].powers, key), array)
    prepared = found.apply(wild)["height"].to_numpy()
    assert np.isfinite(prepared).all()
    assert (prepared[:, ~valid_mask(wild)] == 0).all()
    assert np.abs(prepared).max() <= PreparationSettings().clip


def test_spectra_that_are_reduced_and_decibels():
    scene = make_scene()
    scene["optical"][:] = np.exp(scene["optical"])
    fitted = fit_preparation(scene, PreparationSettings(components=4, power="always"))
    assert fitted.modalities["optical"].powers is None
    powers = fitted.modalities["sar"].powers
    decibels = 10 * np.log10(scene["sar"].to_numpy()[valid_mask(scene)].astype(float))
    np.testing.assert_allclose(powers.center, np.median(decibels, axis=0))
    assert (powers.power > 1).all()  # speckle's tail is to the left in decibels


def test_powers_are_stored_with_the_preparation(tmp_path):
    fitted = fit_preparation(heavy_scene(), PreparationSettings())
    write_weights(fitted.to_weights(), tmp_path / "preparation.safetensors")
    stored = Preparation.from_weights(read_weights(tmp_path / "preparation.safetensors"))
    other = heavy_scene(seed=4, scale=3.0)
    np.testing.assert_array_equal(
        stack_channels(stored.apply(other))[0], stack_channels(fitted.apply(other))[0]
    )
    damaged = fitted.to_weights()
    del damaged.tensors["height.powers.center"]
    with pytest.raises(ArtifactError, match="damaged or of another version"):
        Preparation.from_weights(damaged)


def test_a_preparation_of_before_there_were_powers_is_read():
    scene = heavy_scene()
    fitted = fit_preparation(scene, NEVER)
    weights = fitted.to_weights()
    del weights.config["settings"]["power"], weights.config["settings"]["power_gain"]
    stored = Preparation.from_weights(weights)
    assert stored.modalities["height"].powers is None
    np.testing.assert_array_equal(
        stack_channels(stored.apply(scene))[0], stack_channels(fitted.apply(scene))[0]
    )


def test_powers_are_told_in_the_log(caplog):
    with caplog.at_level("INFO", logger="bdgf"):
        fit_preparation(heavy_scene(), PreparationSettings())
    lines = [line for line in caplog.messages if "modality height: power" in line]
    assert len(lines) == 1
    assert "on band 2" in lines[0]
