"""Features and maps of whole scenes, and a killed pretraining, on the device beside the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr

from bdgf.core.weights import Weights
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.features.cube import FeatureCube
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.models.base import PredictionSettings
from bdgf.models.bdgf.classifier import load_classifier
from bdgf.models.bdgf.model import guided_classifier
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.patch.fit import fit_classifier
from bdgf.models.patch.predict_map import predict_map
from bdgf.splits.parts import TRAIN
from bdgf.training.devices import DeviceSettings, make_fabric
from benchmarks.gpu_check.closeness import EXACT, MIXED, exact_float32, spread, worst
from benchmarks.gpu_check.record import Record, Setting
from benchmarks.scenes import (
    COAST_CLASSES,
    base_settings,
    denoiser_weights,
    prepared_scene,
    scene_arrays,
    train_settings,
)

_KILLED_AT, _STEPS = 6, 12


def device_settings(device: str, precision: str = "32-true", **more: bool) -> DeviceSettings:
    """Device settings by two names."""
    values = {"accelerator": device, "precision": precision, **more}
    return DeviceSettings.model_validate(values)


def features(setting: Setting, record: Record) -> None:
    """The feature cube of a scene with nodata, in several tiles, under noise."""
    environment = "test" if setting.tiny else "base"
    weights, scene = denoiser_weights(environment), _scene((61, 72))
    settings = base_settings(
        "features", FeatureSettings, timesteps=(50, 200), noise=0.5, tile=32, halo=16
    )
    with TemporaryDirectory() as folder:

        def cube(device: str, precision: str) -> FeatureCube:
            path = Path(folder) / f"{device}_{precision}_{len(list(Path(folder).iterdir()))}.h5"
            fabric = make_fabric(device_settings(device, precision))
            return extract_features(weights, scene, settings, path, fabric=fabric)

        expected = cube("cpu", "32-true")
        with exact_float32():
            _compare_cubes(record, cube(setting.device, "32-true"), expected, EXACT, 2e-3)
        _compare_cubes(record, cube(setting.device, "bf16-mixed"), expected, MIXED, 4e-2)


def _compare_cubes(
    record: Record, found: FeatureCube, expected: FeatureCube, mode: str, tolerance: float
) -> None:
    for level in expected.levels:
        error = spread([found.read(level)], [expected.read(level)])
        record.check(f"features of level {level}", error, tolerance, mode)
        error = spread(found.moments(level), expected.moments(level))
        record.check(f"moments of level {level}", error, tolerance, mode)
    error = worst(found.normalisation(), expected.normalisation())
    record.check("frozen normalisation", error, tolerance, mode)


def _scene(shape: tuple[int, int]) -> xr.Dataset:
    scene = prepared_scene(shape)
    scene["valid"][:7, :9] = 0
    return scene


def mapping(setting: Setting, record: Record) -> None:
    """Maps of a classifier that was trained for a moment on the CPU, its forest among it."""
    side = 24 if setting.tiny else 48
    arrays = scene_arrays((side, side))
    valid = np.ones(arrays.shape, bool)
    valid[:5, :7] = False
    labels, split = _labels(arrays.shape, 20 * COAST_CLASSES)
    settings = train_settings(epochs=1, batches_per_epoch=2 if setting.tiny else 6, batch_size=16)
    tree = settings.model_dump()
    if setting.tiny:
        tree["classifier"]["classical"]["forest"]["trees"] = 5
        tree["classifier"]["classical"]["linear"]["c"] = [0.1]
    settings = TrainSettings.model_validate(tree)
    weights = fit_classifier(
        arrays, labels, split, valid, COAST_CLASSES, settings, 0,
        guided_classifier(settings.classifier), devices=device_settings("cpu"),
    )  # fmt: skip

    def draw(device: str, precision: str, dihedral: int) -> np.ndarray:
        chosen = PredictionSettings.model_validate({"dihedral": dihedral})
        devices = device_settings(device, precision)
        return predict_map(load_classifier(weights), arrays, valid, chosen, devices=devices)

    for dihedral in (1,) if setting.tiny else (1, 8):
        expected = draw("cpu", "32-true", dihedral)
        with exact_float32():
            found = draw(setting.device, "32-true", dihedral)
            _compare_maps(record, found, expected, dihedral, EXACT, (2e-2, 1e-4, 2e-3))
        found = draw(setting.device, "bf16-mixed", dihedral)
        _compare_maps(record, found, expected, dihedral, MIXED, (2e-2, 2e-3, 3e-2))


def _compare_maps(
    record: Record,
    found: np.ndarray,
    expected: np.ndarray,
    dihedral: int,
    mode: str,
    tolerances: tuple[float, float, float],
) -> None:
    difference = np.abs(found - expected)
    classes = found.argmax(0) != expected.argmax(0)
    what, (most, mean, share) = f"map, {dihedral} symmetries", tolerances
    # A number that lies on a tree's threshold goes the other way: few pixels, a tree's share.
    record.check(f"{what}: largest difference", float(difference.max()), most, mode)
    record.check(f"{what}: mean difference", float(difference.mean()), mean, mode)
    record.check(f"{what}: pixels of another class", float(classes.mean()), share, mode)


def _labels(shape: tuple[int, int], pixels: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels, split = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    inside = np.flatnonzero(np.add.outer(np.arange(shape[0]), np.arange(shape[1])) > 14)
    chosen = rng.choice(inside, pixels, replace=False)
    labels.flat[chosen] = 1 + np.arange(pixels) % COAST_CLASSES
    split.flat[chosen] = TRAIN
    return labels, split


class _Killed(Exception):  # noqa: N818 - it stands for a kill
    """Ends a training in its middle."""


class _Killer:
    """A metric logger that ends the training."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Ends it once some steps are done."""
        if step >= _KILLED_AT:
            raise _Killed


def resume(setting: Setting, record: Record) -> None:
    """A pretraining that was killed and taken up ends as one that was not."""
    environment = "test" if setting.tiny else "base"
    settings = base_settings(
        "pretrain", PretrainSettings, environment, steps=_STEPS, log_every=2,
        validate_every=_STEPS, checkpoint_seconds=0,
    )  # fmt: skip
    data = PretrainingData.of(_scene((64, 64)))
    devices = device_settings(setting.device, deterministic=True)
    unbroken = pretrain(data, settings, 0, devices=devices)
    again = pretrain(data, settings, 0, devices=devices)
    twice = _apart(again, unbroken)
    record.check("the same training twice", twice, 1e-6, "deterministic")
    with TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "running.ckpt"
        try:
            pretrain(data, settings, 0, devices=devices, logger=_Killer(), checkpoint=checkpoint)
        except _Killed:
            record.check("checkpoint that was left", 0 if checkpoint.exists() else 1, 0)
        resumed = pretrain(data, settings, 0, devices=devices, checkpoint=checkpoint)
    # Where the device does not repeat itself, no more is asked than that.
    least = max(1e-6, 10 * twice)
    record.check("killed and taken up", _apart(resumed, unbroken), least, "deterministic")


def _apart(found: Weights, expected: Weights) -> float:
    names = list(expected.tensors)
    return spread([found.tensors[n] for n in names], [expected.tensors[n] for n in names])
