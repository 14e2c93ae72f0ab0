"""What a model sees when modalities are hidden from it and from its denoiser."""

import numpy as np
import pytest

from bdgf.core.errors import SettingsError
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.inference.hiding import without_modalities
from bdgf.models.base import SceneInputs
from bdgf.scenes.masks import modality_mask
from bdgf.training.devices import DeviceSettings, make_fabric
from tests.diffusion.small_scene import prepared_scene
from tests.features.small_extraction import small_weights

CPU, FEATURES = DeviceSettings(accelerator="cpu"), FeatureSettings(timesteps=(50,), halo=8)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    prepared, path = prepared_scene(), tmp_path_factory.mktemp("cube") / "cube.h5"
    fabric = make_fabric(CPU)
    return SceneInputs(
        prepared, extract_features(small_weights(), prepared, FEATURES, path, fabric=fabric)
    )


def hiding(inputs, hidden, folder, denoiser=None, features=FEATURES):
    return without_modalities(inputs, hidden, denoiser, features, folder, CPU)


def test_nothing_hidden_is_the_scene_itself(inputs, tmp_path):
    with hiding(inputs, (), tmp_path) as seen:
        assert seen is inputs


def test_without_features_the_channels_alone_are_hidden(inputs, tmp_path):
    with hiding(SceneInputs(inputs.prepared), ["sar"], tmp_path) as seen:
        assert seen.cube is None
        part = seen.channels.modalities["sar"]
        assert not seen.channels.channels[part].any()
        assert seen.channels.channels[: part.start].any()
        assert not modality_mask(seen.prepared, "sar").any()
        assert seen.channels.present is not None
        assert not seen.channels.present[1].any()


def test_the_features_are_made_without_it_under_the_same_normalisation(inputs, tmp_path):
    with hiding(inputs, ["sar"], tmp_path, small_weights()) as seen:
        assert seen.cube.fingerprint != inputs.cube.fingerprint
        np.testing.assert_array_equal(seen.cube.normalisation(), inputs.cube.normalisation())
        assert not np.array_equal(seen.cube.read(0), inputs.cube.read(0))
        assert seen.tensors.shape == inputs.tensors.shape
    assert list(tmp_path.iterdir()) == []


def test_features_from_elsewhere_cannot_be_made_anew(inputs, tmp_path):
    external = FEATURES.model_copy(update={"external": "mine.h5"})
    with (
        pytest.raises(SettingsError, match=r"inference\.hide.*features\.external"),
        hiding(inputs, ["sar"], tmp_path, small_weights(), external),
    ):
        pass
