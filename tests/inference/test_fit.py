"""A model from a scene in one call."""

import numpy as np
import pytest

import bdgf
from bdgf.core.errors import SettingsError
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.inference.fast.settings import DistilSettings
from bdgf.models.sklearn.random_forest import RandomForestSettings
from bdgf.models.sklearn.svm import SvmSettings
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from tests.inference.heavy_tailed_scene import heavy_tailed_scene
from tests.inference.small_models import small_scene

FOREST = {"model": "random_forest", "own": RandomForestSettings(trees=3)}


def test_a_split_is_a_name_its_settings_or_itself():
    scene = small_scene()
    split = make_split(scene, SplitSettings(name="per_class"), 0, 5)
    maps = [
        bdgf.fit(scene, how, **FOREST).predict(scene).probabilities
        for how in ("per_class", SplitSettings(name="per_class"), split)
    ]
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])


def test_it_says_what_it_was_made_of():
    model = bdgf.fit(small_scene(), "official", seed=3, **FOREST)
    assert (model.name, model.scene) == ("random_forest", "small")
    assert model.card["seed"] == 3
    assert model.card["split"]["name"] == "official"
    assert {"python", "torch", "bdgf"} <= model.card["versions"].keys()


def test_an_unknown_model_is_refused():
    with pytest.raises(SettingsError, match="did you mean 'random_forest'"):
        bdgf.fit(small_scene(), model="random_forrest")


def test_python_offers_no_more_than_it_has():
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = bdgf.fitt


def test_scenes_to_pretrain_on_are_given_themselves_not_named():
    with pytest.raises(SettingsError, match=r"'?elsewhere'?, which only `kedro run` knows"):
        bdgf.fit(small_scene(), pretrain=PretrainSettings(scenes=("elsewhere",)), **FOREST)


def test_an_svm_gains_by_the_power_of_a_heavy_tailed_band():
    scene = heavy_tailed_scene()
    truth = scene["labels"].to_numpy()

    def accuracy(power):
        model = bdgf.fit(
            *(scene, "per_class", "svm"),
            preparation=PreparationSettings(power=power),
            own=SvmSettings(c=(1.0, 100.0), gamma=(0.3, 3.0), jobs=1),
        )
        return (model.predict(scene)["class_map"].to_numpy() == truth).mean()

    without, raised = accuracy("never"), accuracy("auto")
    assert raised > 0.98
    assert 1 - raised < (1 - without) / 4


def test_a_fast_network_is_distilled_on_request():
    settings = DistilSettings(pixels=1_000, width=8, depth=1, steps=2)
    model = bdgf.fit(small_scene(), "official", distil=settings, **FOREST)
    assert model.fast.config["distil"] == settings.model_dump(mode="json")
    assert model.card["fast"]["taught_pixels"] > 0
    assert bdgf.fit(small_scene(), "official", **FOREST).fast is None
