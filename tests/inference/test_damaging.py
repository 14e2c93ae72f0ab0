"""Maps that a model draws with one modality spoilt."""

from contextlib import contextmanager

import numpy as np

from bdgf.evaluation.damage import DamageSettings
from bdgf.evaluation.maps import class_map
from bdgf.inference.damaging import damaged_maps
from bdgf.inference.settings import InferenceSettings
from bdgf.models.base import SceneInputs
from bdgf.scenes.masks import hide_modalities
from bdgf.scenes.scene import LABELS, modality_names, valid_mask
from tests.inference.small_models import small_model, small_scene

EVERY = DamageSettings(kinds=("hidden", "noise", "clouds"))


@contextmanager
def changed(prepared):
    yield SceneInputs(prepared)


def draw(damage, prepared=None, wanted=None):
    model = small_model("random_forest")
    prepared = model.preparation.apply(small_scene()) if prepared is None else prepared
    wanted = np.ones(valid_mask(prepared).shape, bool) if wanted is None else wanted
    settings = InferenceSettings()
    return dict(damaged_maps(model.classifier, prepared, wanted, changed, damage, settings))


def test_each_modality_is_spoilt_in_each_way_and_the_same_every_time():
    maps, names = draw(EVERY), modality_names(small_scene())
    assert list(maps) == [(kind, name) for kind in EVERY.kinds for name in names]
    for key, again in draw(EVERY).items():
        np.testing.assert_array_equal(again, maps[key])
    others = draw(EVERY.model_copy(update={"seed": 1}))
    assert all((others[key] != maps[key]).any() for key in maps if key[0] != "hidden")


def test_a_hidden_modality_gives_the_map_without_it():
    model = small_model("random_forest")
    prepared = model.preparation.apply(small_scene())
    less = hide_modalities(prepared, ["sar"])
    expected = class_map(model.classifier.predict_map(SceneInputs(less)), valid_mask(less))
    np.testing.assert_array_equal(draw(EVERY)["hidden", "sar"], expected)


def test_little_noise_changes_little_and_only_wanted_pixels_are_drawn():
    prepared = small_model("random_forest").preparation.apply(small_scene())
    wanted = prepared[LABELS].to_numpy() > 0
    maps = {
        sigma: draw(DamageSettings(kinds=("noise",), noise=sigma), wanted=wanted)[
            "noise", "optical"
        ]
        for sigma in (0.01, 3.0)
    }
    none = (
        np.argmax(small_model("random_forest").classifier.predict_map(SceneInputs(prepared)), 0) + 1
    )
    changes = [(maps[sigma] != none)[wanted & (maps[sigma] > 0)].mean() for sigma in (0.01, 3.0)]
    assert changes[0] < 0.05 < changes[1]
    assert not maps[3.0][~wanted].any()


def test_a_single_modality_is_not_hidden():
    prepared = small_model("random_forest").preparation.apply(small_scene())
    alone = hide_modalities(prepared, [n for n in modality_names(prepared) if n != "optical"])
    assert list(draw(EVERY, alone)) == [("noise", "optical"), ("clouds", "optical")]
