"""Principal axes against scikit-learn's, and what they do where there is no variance."""

import numpy as np
from sklearn.decomposition import PCA

from bdgf.preprocessing.pca import principal_axes, with_positive_largest


def test_axes_and_variances_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(500, 7)) @ rng.normal(size=(7, 7))
    axes, variances = principal_axes(np.cov(pixels.T, bias=True), 4)
    peer = PCA(4).fit(pixels)
    np.testing.assert_allclose(axes, with_positive_largest(peer.components_), atol=1e-8)
    np.testing.assert_allclose(variances, peer.explained_variance_ * 499 / 500)


def test_beyond_the_rank_there_are_no_axes() -> None:
    pixels = np.random.default_rng(1).normal(size=(200, 2)) @ np.ones((2, 5))
    axes, variances = principal_axes(np.cov(pixels.T, bias=True), 5)
    assert np.count_nonzero(variances) == 1
    assert np.count_nonzero(np.abs(axes).sum(1)) == 1


def test_the_largest_loading_is_positive() -> None:
    axes = np.random.default_rng(2).normal(size=(6, 9))
    turned = with_positive_largest(axes)
    np.testing.assert_array_equal(turned, with_positive_largest(-axes))
    assert (turned[np.arange(6), np.abs(turned).argmax(1)] > 0).all()
