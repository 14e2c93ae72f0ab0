"""Scenes with one modality spoilt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdgf.core.errors import SettingsError
from bdgf.scenes.damage import cloud_blocks, clouded, noisy
from bdgf.scenes.masks import hide_modalities, modality_mask
from bdgf.scenes.scene import modality_names, valid_mask
from tests.diffusion.small_scene import prepared_scene


def rng(seed=0):
    return np.random.default_rng(seed)


def test_noise_is_on_one_modality_where_it_has_data_and_on_nothing_else():
    scene = prepared_scene()
    spoilt = noisy(scene, "sar", 2.0, rng())
    change = (spoilt["sar"] - scene["sar"]).transpose("y", "x", ...).to_numpy()
    there = modality_mask(scene, "sar")
    assert change[there].std() == pytest.approx(2, rel=0.1)
    assert not change[~there].any()
    assert spoilt["sar"].dtype == scene["sar"].dtype
    for name in set(scene.data_vars) - {"sar"}:
        np.testing.assert_array_equal(spoilt[name], scene[name])


def test_under_clouds_a_modality_is_missing_and_the_others_are_as_they_were():
    scene = prepared_scene()
    covered = np.zeros(valid_mask(scene).shape, bool)
    covered[:9, :7] = True
    spoilt = clouded(scene, "sar", covered)
    before, after = (modality_mask(s, "sar") for s in (scene, spoilt))
    np.testing.assert_array_equal(after, before & ~covered)
    values = spoilt["sar"].transpose("y", "x", ...).to_numpy()
    assert not values[covered].any()
    np.testing.assert_array_equal(
        values[after], scene["sar"].transpose("y", "x", ...).values[after]
    )
    for name in modality_names(scene):
        if name != "sar":
            np.testing.assert_array_equal(modality_mask(spoilt, name), modality_mask(scene, name))


def test_clouds_everywhere_hide_the_modality():
    scene = prepared_scene()
    spoilt = clouded(scene, "sar", np.ones(valid_mask(scene).shape, bool))
    assert spoilt.identical(hide_modalities(scene, ["sar"]))


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    share=st.floats(0.01, 0.99),
    side=st.integers(1, 20),
)
def test_clouds_cover_their_share_of_whole_blocks(height, width, share, side):
    covered = cloud_blocks((height, width), share, side, rng())
    assert covered.shape == (height, width)
    corners = covered[::side, ::side]
    assert corners.sum() == min(max(1, round(share * corners.size)), corners.size)
    grown = corners.repeat(side, 0).repeat(side, 1)[:height, :width]
    np.testing.assert_array_equal(covered, grown)


def test_an_unknown_modality_is_named():
    with pytest.raises(SettingsError, match="no modality thermal"):
        clouded(prepared_scene(), "thermal", np.zeros((1, 1), bool))
