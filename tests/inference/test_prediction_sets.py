"""From a trained model and settings to the rule of its prediction sets."""

import logging
from dataclasses import replace

import numpy as np
import pytest

import bdgf
from bdgf.core.errors import SettingsError
from bdgf.evaluation.prediction_sets import SetRule, set_size_map
from bdgf.inference.prediction_sets import blocks_needed, set_rule, tell_sets
from bdgf.inference.settings import InferenceSettings
from bdgf.scenes.scene import valid_mask
from tests.inference.small_models import small_model, small_scene
from tests.messages import telling

THRESHOLDS = {str(percent): (99 - percent) / 100 for percent in range(50, 100)}
CONFIG = {"model": "bdgf", "sets": {"pixels": 40, "blocks": 9, "thresholds": THRESHOLDS}}


def asked(coverage, **options):
    return InferenceSettings.model_validate({"sets": {"coverage": coverage}, **options})


def test_the_threshold_is_that_of_the_coverage_or_the_next_higher_one():
    assert set_rule(CONFIG, InferenceSettings()) is None
    assert set_rule(CONFIG, asked(0.9)) == SetRule(0.9, 0.09, 40, 9)
    assert set_rule(CONFIG, asked(0.895)) == set_rule(CONFIG, asked(0.9))
    for percent in range(50, 100):
        rule = set_rule(CONFIG, asked(percent / 100))
        assert rule.threshold == THRESHOLDS[str(percent)]


def test_what_the_held_out_pixels_were_looked_at_without_is_told():
    changed = asked(0.9, hide=["sar"], smoothing={"sigma": 1.0}, dihedral=4)
    unlike = ("inference.hide", "inference.dihedral", "inference.smoothing")
    assert set_rule(CONFIG, changed).unlike == unlike


@pytest.mark.parametrize(
    ("config", "options", "told"),
    [
        ({"model": "svm"}, {}, ("svm", "held-out", "train bdgf")),
        (CONFIG, {"fusion": "mean"}, ("inference.sets.coverage", "inference.fusion=mean")),
        (CONFIG, {"fast": True}, ("inference.sets.coverage", "inference.fast=true")),
    ],
)
def test_sets_without_evidence_of_the_map_are_refused(config, options, told):
    with pytest.raises(SettingsError, match=telling(*told)):
        set_rule(config, asked(0.9, **options))


def test_too_few_blocks_are_told_in_one_line(caplog):
    caplog.set_level(logging.INFO)
    tell_sets(SetRule(0.9, 0.0, 40, 7))
    tell_sets(SetRule(0.9, 0.125, 40, 9, ("inference.hide",)))
    few, enough = (record.getMessage() for record in caplog.records)
    assert "40 held-out pixels in 7 blocks are too few" in few
    assert "takes 9 blocks" in few
    assert "probability of 0.125" in enough
    assert "inference.hide" in enough
    assert [blocks_needed(c) for c in (0.5, 0.8, 0.9, 0.95, 0.99)] == [1, 4, 9, 19, 99]


def model_with_sets(name):
    """A small model; one that is not judged on held-out blocks is given thresholds."""
    model = small_model(name)
    if "sets" in model.classifier.config:
        return model
    told = {"sets": {**CONFIG["sets"], "thresholds": {p: t + 0.1 for p, t in THRESHOLDS.items()}}}
    return replace(model, classifier=model.classifier.with_config(told))


@pytest.mark.parametrize(
    "name",
    [
        "random_forest",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("bdgf", "bdgf_unguided")),
    ],
)
def test_the_map_of_sizes_does_not_depend_on_the_windows_and_survives_the_folder(name, tmp_path):
    model, scene = model_with_sets(name), small_scene()
    blocks = model.classifier.config["sets"]["blocks"]
    inference = asked(int(100 * blocks / (blocks + 1)) / 100)
    whole = model.predict(scene, inference, block=1000)
    sizes, shares = whole.set_size_map.to_numpy(), whole.probabilities.to_numpy()
    rule = set_rule(model.classifier.config, inference)
    assert rule.threshold > 0
    np.testing.assert_array_equal(sizes, set_size_map(shares, valid_mask(scene), rule.threshold))
    assert len(np.unique(sizes[sizes > 0])) > 1
    cut = model.predict(scene, inference, block=28).set_size_map.to_numpy()
    border = (np.abs(shares - rule.threshold) < 1e-3).any(0)  # rounding of float16 features
    np.testing.assert_array_equal(cut[~border], sizes[~border])
    model.save(tmp_path / "map_model.json")
    stored = bdgf.load_model(tmp_path)
    assert set_rule(stored.classifier.config, inference) == rule
    np.testing.assert_array_equal(stored.predict(scene, inference, block=1000).set_size_map, sizes)
    assert "set_size_map" not in model.predict(scene)
