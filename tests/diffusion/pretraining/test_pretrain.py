import json
import logging
import os
import signal
import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

from bdgf.core.errors import TrainingDiverged
from bdgf.core.weights import read_weights, write_weights
from bdgf.diffusion.masking.rules import RULES
from bdgf.diffusion.masking.signals import SIGNALS
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.diffusion.unet import DenoiserOutput, load_denoiser
from bdgf.training.devices import DeviceSettings
from bdgf.training.metric_logger import MemoryLogger
from tests.diffusion.small_scene import CHANNELS, prepared_scene
from tests.training.half_precision import MIXED, HalfReductions

CPU = DeviceSettings(accelerator="cpu")
TINY = {
    "steps": 12,
    "batch_size": 4,
    "tile": 8,
    "log_every": 4,
    "validate_every": 6,
    "checkpoint_seconds": 0,
    "optimization": {"learning_rate": 3e-3, "warmup_steps": 2},
    "denoiser": {"width": 8, "multipliers": (1, 2), "blocks": 1},
}


def run(seed=0, scene=None, checkpoint=None, logger=None, devices=CPU, others=(), **chosen):
    settings = PretrainSettings(**{**TINY, **chosen})
    scene = prepared_scene() if scene is None else scene
    data = PretrainingData.of(scene).with_others([PretrainingData.of(other) for other in others])
    return pretrain(data, settings, seed, devices=devices, logger=logger, checkpoint=checkpoint)


def further():
    return prepared_scene(24, 30, seed=1), prepared_scene(5, 6, nodata=False, seed=2)


def same(one, other):
    assert one.tensors.keys() == other.tensors.keys()
    return all(torch.equal(t, other.tensors[name]) for name, t in one.tensors.items())


def test_pretraining_lowers_the_loss_and_logs_all_curves():
    logger = MemoryLogger()
    settings = {"schedule": {"prediction": "epsilon"}, "batch_size": 16, "log_every": 10}
    weights = run(steps=150, logger=logger, **settings)
    first, last = (logger.series("pretrain/loss")[i][1] for i in (0, -1))
    assert last < 0.75 * first
    per_modality = ("loss", "mask_rate", "validation_loss", "explained_noise", "feature_share")
    expected = {f"pretrain/{kind}_{name}" for kind in per_modality for name in CHANNELS}
    expected |= {"pretrain/balance_index", "pretrain/feature_balance_index"}
    assert expected <= set(logger.names())
    assert weights.config["history"]["pretrain/loss"] == logger.series("pretrain/loss")
    for name in CHANNELS:
        assert logger.series(f"pretrain/explained_noise_{name}")[-1][1] > 0.1
    assert 0 < logger.series("pretrain/balance_index")[-1][1] <= 1


@pytest.mark.parametrize("strategy", ["none", "fixed", "adaptive"])
@pytest.mark.parametrize("prediction", ["epsilon", "v", "x0"])
def test_every_strategy_and_prediction_trains(strategy, prediction):
    weights = run(
        steps=3, masking={"strategy": strategy, "granularity": "block", "block": 4},
        schedule={"kind": "cosine", "prediction": prediction},
    )  # fmt: skip
    assert all(t.isfinite().all() for t in weights.tensors.values())


def test_the_seed_decides_the_weights():
    assert same(run(seed=3), run(seed=3))
    assert not same(run(seed=3), run(seed=4))
    torch.manual_seed(1)  # the caller's generator neither matters nor moves
    before = torch.get_rng_state()
    assert same(run(seed=3), run(seed=3))
    assert torch.equal(torch.get_rng_state(), before)


def test_how_often_to_log_does_not_change_the_weights(tmp_path):
    checkpoint = tmp_path / "pretrain.ckpt"
    assert same(run(checkpoint=checkpoint), run(log_every=1, validate_every=1))
    assert run().config["fingerprint"] == run(log_every=1).config["fingerprint"]


def test_weights_survive_their_file(tmp_path):
    weights = run()
    write_weights(weights, tmp_path / "denoiser.safetensors")
    read = read_weights(tmp_path / "denoiser.safetensors")
    assert list(load_denoiser(read).modalities.items()) == list(CHANNELS.items())
    assert read.config["fingerprint"] == weights.config["fingerprint"]
    assert same(read, weights)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("signal", SIGNALS)
def test_rates_follow_the_signal(signal, rule):
    logger = MemoryLogger()
    run(
        steps=40, log_every=1, logger=logger,
        masking={
            "strategy": "adaptive", "signal": signal, "rule": rule,
            "probe": {"every": 4}, "decay": 0.8,
        },
    )  # fmt: skip
    rates = [logger.series(f"pretrain/mask_rate_{name}")[-1][1] for name in CHANNELS]
    assert min(rates) == pytest.approx(0.05)
    assert max(rates) > 0.06


FOLLOWS_FEATURES = {
    "strategy": "adaptive",
    "signal": "modality_sensitivity",
    "rule": "equalise",
    "probe": {"every": 3, "tiles": 2},
}

KILLED_PRETRAINING = """
import json, os, signal, sys
from pathlib import Path
from tests.diffusion.pretraining.test_pretrain import further, run

class Kill:
    def log(self, metrics, step):
        if step == 8:
            os.kill(os.getpid(), signal.SIGKILL)

run(
    checkpoint=Path(sys.argv[1]), logger=Kill(), masking=json.loads(sys.argv[2]),
    others=further() if sys.argv[3:] else (),
)
"""


def test_losses_norms_and_means_are_float32_under_mixed_precision():
    with HalfReductions() as seen:
        run(steps=2, devices=MIXED)
    assert seen.halves  # else nothing was shown
    assert seen.found == []


@pytest.mark.parametrize(
    "masking", [pytest.param({"strategy": "adaptive"}, marks=pytest.mark.slow), FOLLOWS_FEATURES]
)
def test_killed_and_restarted_it_ends_with_the_same_weights(tmp_path, caplog, masking):
    caplog.set_level(logging.INFO)
    checkpoint = tmp_path / "pretrain.ckpt"
    command = [sys.executable, "-c", KILLED_PRETRAINING, checkpoint, json.dumps(masking)]
    killed = subprocess.run(command, cwd=os.getcwd())
    assert killed.returncode == -signal.SIGKILL
    restarted = run(checkpoint=checkpoint, masking=masking)
    assert f"continuing from step 7 of {checkpoint}" in caplog.text
    unbroken = run(masking=masking)
    assert same(restarted, unbroken)
    assert restarted.config["history"] == unbroken.config["history"]


@pytest.mark.slow
def test_on_several_scenes_a_killed_one_ends_with_the_same_weights(tmp_path):
    checkpoint = tmp_path / "pretrain.ckpt"
    command = [sys.executable, "-c", KILLED_PRETRAINING, checkpoint, "{}", "several"]
    assert subprocess.run(command, cwd=os.getcwd()).returncode == -signal.SIGKILL
    restarted = run(checkpoint=checkpoint, others=further())
    unbroken = run(others=further())
    assert same(restarted, unbroken)
    assert restarted.config == unbroken.config
    assert restarted.config["other_scenes"] == ["small", "small"]
    assert not same(unbroken, run())


def test_more_scenes_take_more_steps():
    settings = {"steps": None, "epochs_equivalent": 1, "least_steps": 1, "most_steps": 99}
    alone, several = run(**settings), run(**settings, others=[prepared_scene(80, 80)])
    assert several.config["steps"] > alone.config["steps"]


def test_a_pretraining_that_ended_takes_no_further_step(tmp_path):
    checkpoint, logger = tmp_path / "pretrain.ckpt", MemoryLogger()
    first = run(checkpoint=checkpoint)
    again = run(checkpoint=checkpoint, logger=logger)  # killed before its weights were kept
    assert logger.records == []
    assert same(first, again)
    assert first.config == again.config


@pytest.mark.slow
def test_other_data_or_settings_are_trained_anew(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    checkpoint = tmp_path / "pretrain.ckpt"
    first = run(checkpoint=checkpoint)
    for changed in ({"scene": prepared_scene(seed=1)}, {"held_out": 0.2}, {"seed": 1}):
        caplog.clear()
        weights = run(checkpoint=checkpoint, **changed)
        assert weights.config["fingerprint"] != first.config["fingerprint"]
        assert "is of other data or settings" in caplog.text


def test_divergence_names_the_modality_and_the_step(monkeypatch):
    from bdgf.diffusion.unet import Denoiser

    forward, calls = Denoiser.forward, []

    def diverging(self, x_t, t, visible):
        calls.append(1)
        output = forward(self, x_t, t, visible)
        if len(calls) == 3:
            factor = torch.ones(x_t.shape[1])
            factor[4:6] = torch.nan  # sar
            return DenoiserOutput(output.prediction * factor[:, None, None], output.reconstruction)
        return output

    monkeypatch.setattr(Denoiser, "forward", diverging)
    with pytest.raises(TrainingDiverged, match="loss_sar became NaN or infinite at step 2 "):
        run(masking={"strategy": "none"}, optimization={"skipped_steps": 0})


def test_a_scene_smaller_than_a_tile_trains(caplog):
    weights = run(scene=prepared_scene(6, 5, nodata=False))
    assert "none is held out" in caplog.text
    assert all(t.isfinite().all() for t in weights.tensors.values())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"tile": 9}, "tile must be a multiple of 2"),
        ({"validation_timesteps": (1000,)}, "must lie in 0 .. 999"),
        ({"timesteps": {"focus": 0.5, "focus_range": (0, 1001)}}, "focus_range must end by 1000"),
        ({"masking": {"probe": {"timesteps": (1000,)}}}, "probe.timesteps must lie in 0 .. 999"),
    ],
)
def test_settings_that_do_not_fit_are_refused(wrong, told):
    with pytest.raises(ValidationError, match=told):
        PretrainSettings(**{**TINY, **wrong})


def test_a_range_that_is_not_used_may_be_longer_than_the_schedule() -> None:
    few = {"validation_timesteps": (5,), "masking": {"probe": {"timesteps": (5,)}}}
    assert PretrainSettings(**{**TINY, **few, "schedule": {"steps": 20}}).schedule.steps == 20


def test_larger_scenes_take_more_steps_within_bounds() -> None:
    settings = PretrainSettings(epochs_equivalent=100, least_steps=10, most_steps=500)
    per_step = settings.batch_size * settings.tile**2
    assert settings.steps_for(2 * per_step) == 200
    assert settings.steps_for(1) == 10
    assert settings.steps_for(10**9) == 500
    assert PretrainSettings(steps=7).steps_for(10**9) == 7
