"""Components of the features, beside scikit-learn's principal component analysis."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from bdgf.models.bdgf.classical.pca import FeatureComponents


def make_cells(count: int = 500, channels: int = 6) -> np.ndarray:
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(count, 3)) @ rng.normal(size=(3, channels))
    return (5 + mixed + 0.1 * rng.normal(size=(count, channels))).astype(np.float32)


def test_they_are_whitened_principal_components_of_standardised_channels():
    cells = make_cells()
    components = FeatureComponents((4, 6), most=3)
    components.fit(1, torch.from_numpy(cells))
    found = components(1, torch.from_numpy(cells)).numpy()
    wanted = PCA(3, whiten=True).fit_transform(StandardScaler().fit_transform(cells))
    scale = np.sqrt(len(cells) / (len(cells) - 1))  # scikit-learn divides by one less
    signs = np.sign((found * wanted).sum(0))
    np.testing.assert_allclose(found, wanted * signs * scale, atol=2e-3)


def test_a_level_of_few_channels_has_as_many_components():
    components = FeatureComponents((4, 600), most=30)
    assert components.widths == (4, 30)
    assert components.count == 34


def test_features_in_half_precision_and_constant_channels_give_numbers():
    cells = make_cells()
    cells[:, 2] = 1.0
    components = FeatureComponents((6,), most=6)
    components.fit(0, torch.from_numpy(cells).half())
    found = components(0, torch.from_numpy(cells).half().reshape(20, 25, 6))
    assert found.shape == (20, 25, 6)
    assert found.dtype == torch.float32
    assert found.isfinite().all()
    assert found.abs().max() <= 8


def test_a_single_cell_is_enough():
    components = FeatureComponents((6,), most=2)
    components.fit(0, torch.ones(1, 6))
    assert components(0, torch.ones(2, 6)).abs().max() == 0


def test_they_do_not_depend_on_the_sign_that_the_solver_found():
    cells = torch.from_numpy(make_cells())
    components = FeatureComponents((6,), most=2)
    components.fit(0, cells)
    projection = components.get_buffer("projection_0")
    again = FeatureComponents((6,), most=2)
    again.fit(0, cells.flip(0))
    assert torch.allclose(again.get_buffer("projection_0"), projection, atol=1e-4)


@pytest.mark.parametrize("level", [0, 1])
def test_levels_do_not_touch_each_other(level):
    components = FeatureComponents((6, 6), most=2)
    components.fit(level, torch.from_numpy(make_cells()))
    assert components.get_buffer(f"projection_{1 - level}").abs().sum() == 0
