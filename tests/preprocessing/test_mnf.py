"""Minimum noise fraction: the noise that neighbours differ by, and the axes that rise above it."""

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from bdgf.preprocessing import pixel_chunks
from bdgf.preprocessing.mnf import noise_covariance, noise_fraction_axes

SIZE = (40, 30)


def image(noise: np.ndarray, seed: int = 0) -> xr.DataArray:
    """(40, 30, 3): two smooth signals in three bands, under noise of its own in each."""
    rng = np.random.default_rng(seed)
    signals = np.stack([gaussian_filter(rng.normal(size=SIZE), 4) * 10 for _ in range(2)], -1)
    bands = signals @ np.array([[1.0, 0.5, 0.2], [0.0, 1.0, -0.4]])
    return xr.DataArray(bands + rng.normal(size=(*SIZE, 3)) * noise, dims=("y", "x", "band"))


def test_the_noise_is_half_the_variance_of_differences() -> None:
    noise = np.array([0.5, 1.0, 2.0])
    found = noise_covariance(image(noise), np.ones(SIZE, bool), 3, lambda pixels: pixels)
    np.testing.assert_allclose(np.diag(found), noise**2, rtol=0.15)
    assert (np.diag(found)[1:] > np.diag(found)[:-1]).all()


def test_it_does_not_depend_on_how_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    modality, mask = image(np.ones(3)), np.random.default_rng(3).random(SIZE) < 0.8
    whole = noise_covariance(modality, mask, 3, lambda pixels: pixels)
    monkeypatch.setattr(pixel_chunks, "_CHUNK_VALUES", 300)  # three rows
    cut = noise_covariance(modality, mask, 3, lambda pixels: pixels)
    np.testing.assert_allclose(cut, whole, rtol=1e-12)


def test_nodata_takes_no_part() -> None:
    modality, mask = image(np.ones(3)), np.ones(SIZE, bool)
    mask[10:14, 5:9] = False
    spoilt = modality.copy(deep=True)
    spoilt.values[~mask] = 1e6
    one, other = (noise_covariance(m, mask, 3, lambda p: p) for m in (modality, spoilt))
    np.testing.assert_array_equal(one, other)


def test_axes_come_by_their_signal_and_noise_alone_is_dropped() -> None:
    covariance, noise = np.diag([1.0, 10.0, 4.0]), np.diag([1.0, 1.0, 1.0])
    axes, squares = noise_fraction_axes(covariance, noise, 3, 0.1)
    assert np.abs(axes).argmax(1).tolist() == [1, 2]
    # Once divided a channel has the variance of its signal: 1 - noise / total.
    variances = np.einsum("cb,bd,cd->c", axes, covariance, axes) / squares
    np.testing.assert_allclose(variances, [0.9, 0.75], rtol=1e-4)


def test_a_modality_without_signal_keeps_one_axis() -> None:
    axes, _ = noise_fraction_axes(np.eye(4), np.eye(4), 3, 0.5)
    assert len(axes) == 1
