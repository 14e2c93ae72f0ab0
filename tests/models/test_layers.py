"""Every registered model on scenes whose modalities are few, or have no data somewhere."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.models.base import SceneInputs
from bdgf.models.registry import MODELS
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import (
    ModalityArray,
    class_table,
    new_scene,
    valid_mask,
)
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from bdgf.training.devices import make_fabric
from tests.models.small_models import OWN, PRETRAIN, TRAIN

SHORT = TRAIN.model_copy(update={"epochs": 1})
DEMO = make_demo_scene(DemoSettings(size=48, bands=12))


def scene_of(*names: str) -> xr.Dataset:
    arrays = {}
    for name in names:
        kind, units, scale = (DEMO[name].attrs[key] for key in ("kind", "units", "scale"))
        arrays[name] = ModalityArray(DEMO[name].to_numpy(), kind, units, scale)
    valid, labels = valid_mask(DEMO), DEMO["labels"].to_numpy()
    return new_scene("demo", arrays, labels, class_table(DEMO), valid=valid)


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
