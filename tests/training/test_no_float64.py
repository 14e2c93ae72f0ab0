"""Nothing makes a float64 tensor on the device: an Apple GPU has none."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.weights import Weights
from bdgf.features.cached import cached_feature_cube
from bdgf.features.extraction import FeatureSettings
from bdgf.models.bdgf.classical.pca import FeatureComponents
from bdgf.models.bdgf.model import guided_classifier
from bdgf.models.patch.fit import fit_classifier
from bdgf.models.patch.mutual_learning import ConsistencySettings, MutualLearningSettings
from bdgf.models.patch.predict_map import predict_map
from bdgf.models.patch.selection import SelectionSettings
from bdgf.training.devices import as_float64
from tests.diffusion.pretraining.test_pretrain import run as run_pretraining
from tests.diffusion.small_scene import prepared_scene
from tests.models.patch import small_training
from tests.models.patch.test_predict_map import make_arrays, make_classifier
from tests.training.no_float64 import DEVICE, device_without_float64

ADAPTIVE = {
    "strategy": "adaptive",
    "signal": "modality_sensitivity",
    "granularity": "block",
    "block": 4,
    "probe": {"every": 2},
}


def test_the_device_refuses_float64_and_computes_the_rest() -> None:
    with device_without_float64():
        there = torch.arange(3.0).to(DEVICE)
        assert (there + 1).device == DEVICE
        assert (there + 1).tolist() == [1, 2, 3]
        for make in (
            lambda: there.double(),
            lambda: torch.zeros(2, dtype=torch.float64, device=DEVICE),
            lambda: torch.from_numpy(np.zeros(2)).to(DEVICE),
            lambda: torch.tensor([1.0], dtype=torch.float64, device=DEVICE),
        ):
            with pytest.raises(TypeError, match=r"no torch\.float64"):
                make()


def test_float64_is_taken_where_the_tensor_lies_or_on_the_cpu() -> None:
    with device_without_float64():
        made = as_float64(torch.arange(3.0).to(DEVICE))
        assert (made.device.type, made.dtype) == ("cpu", torch.float64)
    elsewhere = as_float64(torch.empty(2, device="meta"))  # stays, as on CUDA
    assert (elsewhere.device.type, elsewhere.dtype) == ("meta", torch.float64)


def test_components_of_features_on_the_device_are_those_of_the_cpu() -> None:
    cells = torch.randn(60, 6, generator=torch.Generator().manual_seed(0))
    wanted = FeatureComponents((6,), 3)
    wanted.fit(0, cells)
    with device_without_float64():
        found = FeatureComponents((6,), 3).to(DEVICE)
        found.fit(0, cells.to(DEVICE))
        assert found.get_buffer("projection_0").device == DEVICE
        projection = found.get_buffer("projection_0").cpu()
    assert torch.equal(projection, wanted.get_buffer("projection_0"))


@pytest.fixture(scope="module")
def denoiser() -> Weights:
    return run_pretraining(steps=6, masking=ADAPTIVE)


def test_a_pretraining_and_its_statistics(denoiser: Weights) -> None:
    with device_without_float64():
        found = run_pretraining(steps=6, masking=ADAPTIVE)
    assert found.config["history"].keys() == denoiser.config["history"].keys()
    for name, series in denoiser.config["history"].items():
        np.testing.assert_allclose(found.config["history"][name], series, rtol=1e-3, atol=1e-5)


def test_an_extraction_of_features(denoiser: Weights, tmp_path: Path) -> None:
    settings = FeatureSettings(timesteps=(50,), tile=16)
    with device_without_float64():
        made = cached_feature_cube(denoiser, prepared_scene(), settings, ArtifactCache(tmp_path, 1))
    assert np.isfinite(made.cube.read(0)).all()


def test_a_training_of_the_classifier() -> None:
    settings = small_training.decided_settings(
        epochs=1,
        batches_per_epoch=1,
        batch_size=64,
        selection=SelectionSettings(rule="best", use_validation=False),
        mutual_learning=MutualLearningSettings(
            consistency=ConsistencySettings(pixels=4, start_epoch=0)
        ),
    )
    make = guided_classifier(settings.classifier)
    data = small_training.ARRAYS, small_training.LABELS, small_training.SPLIT, small_training.VALID
    with device_without_float64():
        weights = fit_classifier(*data, small_training.CLASSES, settings, 0, make)
        assert all(bool(tensor.cpu().isfinite().all()) for tensor in weights.tensors.values())


def test_a_map() -> None:
    arrays, valid = make_arrays(levels=2, height=9, width=8), np.ones((9, 8), bool)
    one, other = (make_classifier(arrays, classical=small_training.CLASSICAL) for _ in range(2))
    with device_without_float64():
        found = predict_map(one, arrays, valid)
    np.testing.assert_allclose(found, predict_map(other, arrays, valid), atol=1e-4)
