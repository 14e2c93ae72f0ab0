"""Small MapModels of every registered model, fitted on one small scene."""

from functools import cache

import yaml

from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.features.extraction import FeatureSettings
from bdgf.inference.fast.settings import DistilSettings
from bdgf.inference.fit import fit
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.registry import MODELS, model_entry
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from tests.pipelines.project import ROOT

__all__ = ["MODELS", "SMALL_FAST", "model_with_fast", "small_model", "small_scene"]

SMALL_FAST = DistilSettings(pixels=3_000, width=16, depth=2, steps=20, batch_pixels=1_024)

_SMALL = {
    "random_forest": {"trees": 5},
    "random_forest_windows": {"trees": 5, "window": 5},
    "random_forest_features": {"trees": 5},
    "svm_windows": {"window": 5},
}


def _configured(group):
    """What the tests' own configuration says."""
    path = ROOT / "conf" / "test" / f"parameters_{group}.yml"
    return yaml.safe_load(path.read_text())[group]


@cache
def small_scene(size=56, seed=0):
    scene = make_demo_scene(DemoSettings(size=size, bands=8, seed=seed, nodata_corner=9))
    return scene.assign_attrs(scene="small")


@cache
def small_model(name):
    own = model_entry(name).model().settings
    train = TrainSettings.model_validate(_configured("train"))
    pretrain = PretrainSettings.model_validate(_configured("pretrain"))
    return fit(
        small_scene(),
        "official",
        name,
        preparation=PreparationSettings(components=3),
        pretrain=pretrain,
        features=FeatureSettings(timesteps=(50,), halo=48),
        train=train,
        own=own.model_validate(_SMALL.get(name, {})) if own is not None else None,
    )


@cache
def model_with_fast(name):
    return small_model(name).distilled(small_scene(), SMALL_FAST)
