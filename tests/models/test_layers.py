"""Every registered model on scenes whose modalities are few, or have no data somewhere."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.models.base import SceneInputs
from bdgf.models.bdgf.classical.branch import ClassicalSettings
from bdgf.models.bdgf.classifier import Classifier
from bdgf.models.registry import MODELS
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.raster.patches import gather_batch, level_valid
from bdgf.scenes.mask_variables import mask_name
from bdgf.scenes.masks import hide_modalities
from bdgf.scenes.scene import valid_mask
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from bdgf.training.devices import make_fabric
from tests.models.layered_scenes import DEMO, scene_of
from tests.models.small_models import OWN, PRETRAIN, TRAIN

SHORT = TRAIN.model_copy(update={"epochs": 1})


def inputs_of(scene: xr.Dataset, folder: Path) -> SceneInputs:
    prepared = fit_preparation(scene, PreparationSettings(components=8)).apply(scene)
    denoiser = pretrain(PretrainingData.of(prepared), PRETRAIN, 0)
    features = FeatureSettings(timesteps=(100,))
    cube = extract_features(denoiser, prepared, features, folder / "cube.h5", fabric=make_fabric())
    return SceneInputs(prepared, cube)


def trained(name: str, inputs: SceneInputs):  # type: ignore[no-untyped-def]
    """The model of that name, trained on the inputs, and what it sees of them."""
    model = MODELS[name].model()
    own = model.settings(**OWN[name]) if model.settings else None
    seen = inputs if MODELS[name].uses_features else SceneInputs(inputs.prepared)
    split = make_split(inputs.prepared, SplitSettings(name="per_class", per_class=15), 0, 2)
    return model.fit(seen, split, SHORT, own, 0), seen


def check_map(probabilities: np.ndarray, prepared: xr.Dataset) -> None:
    """Every valid pixel has probabilities, and no other."""
    mask = valid_mask(prepared)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities[:, mask].sum(axis=0), 1, atol=1e-5)
    assert (probabilities[:, ~mask] == 0).all()


@pytest.fixture(scope="module", params=["optical", "sar"])
def single(request, tmp_path_factory) -> SceneInputs:  # type: ignore[no-untyped-def]
    return inputs_of(scene_of(request.param), tmp_path_factory.mktemp("features"))


@pytest.mark.parametrize("name", MODELS)
def test_one_modality_is_learnt_and_mapped(name, single):  # type: ignore[no-untyped-def]
    model, seen = trained(name, single)
    check_map(model.predict_map(seen), single.prepared)


@pytest.fixture(scope="module")
def holed(tmp_path_factory) -> SceneInputs:  # type: ignore[no-untyped-def]
    scene = scene_of("optical", "height", "sar", holes=True)
    assert valid_mask(scene).sum() == valid_mask(DEMO).sum()
    return inputs_of(scene, tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module", params=MODELS)
def on_holes(request, holed):  # type: ignore[no-untyped-def]
    """A registered model that was trained on the scene with holes, and what it sees."""
    return trained(request.param, holed)


def test_every_pixel_of_a_scene_with_holes_is_mapped(on_holes, holed):  # type: ignore[no-untyped-def]
    model, seen = on_holes
    check_map(model.predict_map(seen), holed.prepared)


def test_a_modality_that_is_hidden_is_not_looked_at(on_holes):  # type: ignore[no-untyped-def]
    model, seen = on_holes
    prepared = seen.prepared
    changed = prepared.assign(sar=prepared["sar"] + 1)
    maps = []
    for scene in (prepared, changed):
        hidden = SceneInputs(hide_modalities(scene, ["sar"]), seen.cube)
        maps.append(model.predict_map(hidden))
        check_map(maps[-1], hidden.prepared)
    np.testing.assert_array_equal(*maps)
    assert (maps[0] != model.predict_map(seen)).any()


@pytest.mark.parametrize("name", MODELS)
def test_masks_that_are_alike_change_no_bit(name, whole):  # type: ignore[no-untyped-def]
    masks = {mask_name(m): whole.prepared["valid"] for m in ("optical", "sar")}
    masked = SceneInputs(whole.prepared.assign(masks), whole.cube)
    assert masked.channels.present is not None
    assert whole.channels.present is None
    maps = [model.predict_map(seen) for model, seen in (trained(name, x) for x in (whole, masked))]
    np.testing.assert_array_equal(*maps)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> SceneInputs:  # type: ignore[no-untyped-def]
    return inputs_of(scene_of("optical", "height", "sar"), tmp_path_factory.mktemp("features"))


def test_every_weight_of_a_network_learns_on_a_scene_with_holes(holed):  # type: ignore[no-untyped-def]
    settings = SHORT.classifier.model_copy(update={"classical": ClassicalSettings(use=False)})
    tensors, valid = holed.tensors, torch.from_numpy(valid_mask(holed.prepared))
    network = Classifier(settings, tensors.modality_channels, tensors.level_channels, 6)
    at = torch.tensor([16, 16, 30, 44]), torch.tensor([14, 27, 30, 44])  # both, one, none missing
    batch = gather_batch(tensors, level_valid(valid, 2), *at, network.patch)
    assert batch.scene_present is not None
    keep = torch.tensor([[1.0, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
    output = network(batch, keep)
    sum(logits.square().sum() for logits in output.logits.values()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
