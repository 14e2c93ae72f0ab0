"""The study of features: which pixels it probes, what a variant is, and its table."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.feature_quality import (
    CHANNELS,
    Denoisers,
    measure,
    position_r2,
    probed_pixels,
    summary,
)
from omegaconf.errors import ConfigKeyError

from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import LABELS, OFFICIAL_TEST
from benchmarks import feature_quality
from tests.inference.small_models import small_scene


def test_scenes_of_results_lend_no_test_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = small_scene()
    tested = scene[OFFICIAL_TEST].to_numpy() > 0
    assert not (probed_pixels(scene, "small") & tested).any()
    assert (probed_pixels(scene, "tuning") & tested).any()
    monkeypatch.setattr(feature_quality, "_OF_A_CLASS", 2)
    labels = scene[LABELS].to_numpy()[probed_pixels(scene, "small")]
    assert set(np.unique(labels, return_counts=True)[1]) == {2}


def test_a_variant_is_what_the_denoiser_is_pretrained_with(tmp_path: Path) -> None:
    scene = small_scene()
    prepared = fit_preparation(scene, PreparationSettings()).apply(scene)
    probed = probed_pixels(scene, "small")
    short = "pretrain.steps=1 pretrain.batch_size=2"
    kept = Denoisers(tmp_path)
    channels = measure(prepared, probed, CHANNELS, 0, kept)
    variants = short, f"{CHANNELS} {short}", f"{short} features.timesteps=[700]"
    features, both, late = (measure(prepared, probed, v, 0, kept) for v in variants)
    assert features["seconds"] == both["seconds"] == late["seconds"]  # one denoiser
    assert late["position_r2"] != features["position_r2"]
    assert (channels["seconds"], features["seconds"] > 0) == (0, True)
    assert channels["probed"] == features["probed"] == probed.sum()
    assert all(0 <= one["average_accuracy"] <= 1 for one in (channels, features, both))
    with pytest.raises(ConfigKeyError, match="train"):
        measure(prepared, probed, "train.epochs=1", 0, kept)
    assert both["position_r2"] != features["position_r2"] != channels["position_r2"]


def test_features_that_are_coordinates_tell_the_place_and_noise_does_not() -> None:
    places = np.zeros((96, 120), bool)
    places[::3, ::3] = True
    at = np.argwhere(places)
    rng = np.random.default_rng(0)
    assert position_r2(np.hstack([at, rng.normal(size=(len(at), 5))]), places) > 0.95
    assert position_r2(rng.normal(size=(len(at), 5)), places) < 0.05


def test_the_table_has_the_means_of_the_seeds() -> None:
    def record(seed: int, share: float) -> dict[str, object]:
        run = {"scene": "a", "variant": "pretrain.steps=0", "seed": seed, "seconds": 2.0}
        return {**run, "overall_accuracy": share, "average_accuracy": share, "position_r2": 0.5}

    lines = summary([record(0, 0.5), record(1, 0.7)]).splitlines()
    assert lines[2] == "| a | `pretrain.steps=0` | 60.0 / 60.0 | 0.50 | 2 s | 2 |"
