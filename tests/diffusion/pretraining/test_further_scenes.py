"""More scenes to pretrain on, prepared as the run's scene is."""

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.diffusion.pretraining import further_scenes
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.further_scenes import further_scene
from bdgf.preprocessing.preparation import Preparation, fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import ClassTable, ModalityArray, new_scene
from bdgf.scenes.scene_windows import DatasetWindows

SHAPE = (30, 41)


def scene(name: str, seed: int, missing: bool = False, **changed: Any) -> xr.Dataset:
    """Two modalities without labels; of the height a corner may be missing."""
    rng = np.random.default_rng(seed)
    height = rng.normal(200, 20, (*SHAPE, 1))
    if missing:
        height[:9, :7] = np.nan
    modalities = {
        "optical": ModalityArray(rng.normal(0.3, 0.1, (*SHAPE, 6)), "spectral", "1"),
        "height": ModalityArray(height, "auxiliary", "m"),
    }
    return new_scene(name, {**modalities, **changed}, None, ClassTable((), (), ()))


@pytest.fixture(scope="module")
def preparation() -> Preparation:
    return fit_preparation(scene("first", 0), PreparationSettings(components=3))


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("side", [7, 512])
def test_it_is_prepared_with_the_statistics_of_the_other(
    preparation: Preparation, missing: bool, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(further_scenes, "_SIDE", side)
    other = scene("other", 1, missing)
    data = further_scene(DatasetWindows(other), preparation, "first")
    expected = PretrainingData.of(preparation.apply(other))
    np.testing.assert_allclose(data.channels, expected.channels, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(data.valid, expected.valid)
    assert data.modalities == expected.modalities
    assert data.name == "other"
    assert (data.present is None) == (expected.present is None) == (not missing)
    if missing:
        np.testing.assert_array_equal(data.present, expected.present)


def test_modalities_may_come_in_another_order(preparation: Preparation) -> None:
    other = scene("other", 1)
    turned = other.assign_attrs(modalities=json.dumps(["height", "optical"]))
    one, two = (further_scene(DatasetWindows(one), preparation, "first") for one in (other, turned))
    np.testing.assert_array_equal(one.channels, two.channels)


@pytest.mark.parametrize(
    "changed",
    [
        {"height": ModalityArray(np.ones((*SHAPE, 1)), "auxiliary", "feet")},
        {"height": ModalityArray(np.ones((*SHAPE, 2)), "auxiliary", "m")},
        {"sar": ModalityArray(np.ones((*SHAPE, 2)), "auxiliary", "m")},
    ],
)
def test_other_modalities_are_refused_with_both_lists(
    preparation: Preparation, changed: dict[str, ModalityArray]
) -> None:
    told = r"'other' cannot be .* with 'first': .*; 'first' has optical \(spectral, 6 bands, 1\)"
    with pytest.raises(SceneError, match=told):
        further_scene(DatasetWindows(scene("other", 1, **changed)), preparation, "first")


def test_a_modality_too_few_is_refused(preparation: Preparation) -> None:
    few = scene("other", 1).drop_vars("height").assign_attrs(modalities='["optical"]')
    with pytest.raises(SceneError, match="cannot be pretrained on together"):
        further_scene(DatasetWindows(few), preparation, "first")


def test_a_scene_without_data_is_refused_by_its_name(preparation: Preparation) -> None:
    empty = scene("other", 1)
    empty["valid"] = empty["valid"] * 0
    with pytest.raises(SceneError, match="scene 'other' has no pixel with data"):
        further_scene(DatasetWindows(empty), preparation, "first")
