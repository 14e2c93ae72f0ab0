"""How good diffusion features are: `python -m benchmarks.feature_quality tuning --seeds 0`.

A denoiser is pretrained with other settings, and a linear probe classifies labelled pixels by its
features; each pixel by a probe that was fitted without its block. A second probe tells where a
pixel lies: what features know of the place helps no one elsewhere. Scenes that results report lend
their official training pixels alone. Runs that are recorded are not repeated, and variants that
differ in `features` alone share a denoiser.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from omegaconf import OmegaConf
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.weights import Weights
from bdgf.diffusion.pretraining.cached import cached_denoiser
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.evaluation.linear_probe import LinearProbeSettings, probe_accuracy
from bdgf.evaluation.modality_balance import pixel_features
from bdgf.features.cached import cached_feature_cube
from bdgf.features.extraction import FeatureSettings
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest
from bdgf.scenes.scene import LABELS, OFFICIAL_TRAIN, valid_mask
from bdgf.splits.validation_groups import grid_blocks
from bdgf.training.devices import DeviceSettings
from benchmarks.accuracy_records import (
    ROOT,
    add_records,
    is_recorded,
    parameters_of,
    read_records,
    study_parser,
    write_table,
)

DOCUMENT = ROOT / "docs" / "notebook" / "2026-11-28-feature-quality.md"
CHANNELS = "channels"
"""In a variant: the prepared channels, alone or beside features."""
VARIANTS = (CHANNELS, "pretrain.steps=0", "pretrain.steps=200", "pretrain.steps=600")
DEVELOPMENT = ("muufl_lidar", "trento_lidar", "wake_landsat", "tuning")
"""Scenes that no result reports: all of their labels may be looked at."""

_OF_A_CLASS = 250  # most pixels that are probed
_PLACES = 4000  # pixels that are asked where they lie
_BLOCK = 24  # px, the side of the blocks of both probes
_KEPT = 16  # denoisers
_ALPHA = 100.0  # of the ridge regression, on standardised features


def probed_pixels(scene: xr.Dataset, name: str) -> np.ndarray:
    """(H, W) bool: at most `_OF_A_CLASS` labelled pixels of each class; never a test pixel."""
    labels = np.where(valid_mask(scene), scene[LABELS].to_numpy(), 0)
    if name not in DEVELOPMENT:
        labels = np.where(scene[OFFICIAL_TRAIN].to_numpy() > 0, labels, 0)
    rng, chosen = np.random.default_rng(0), np.zeros(labels.shape, bool)
    for class_id in np.unique(labels[labels > 0]):
        of_class = rng.permutation(np.flatnonzero(labels == class_id))[:_OF_A_CLASS]
        chosen.ravel()[of_class] = True
    return chosen


class Denoisers:
    """Denoisers of this process, each pretrained once, and the seconds that it took."""

    def __init__(self, folder: Path) -> None:
        self._cache = ArtifactCache(folder, _KEPT)
        self._seconds: dict[str, float] = {}

    def get(
        self, prepared: xr.Dataset, settings: PretrainSettings, seed: int, devices: DeviceSettings
    ) -> tuple[Weights, float]:
        """A denoiser, and the seconds of its pretraining, whenever that was."""
        began = time.monotonic()
        weights, reused = cached_denoiser(prepared, settings, seed, self._cache, devices=devices)
        if not reused:
            self._seconds[weights.config["fingerprint"]] = time.monotonic() - began
        return weights, self._seconds[weights.config["fingerprint"]]


def measure(
    prepared: xr.Dataset, probed: np.ndarray, variant: str, seed: int, denoisers: Denoisers
) -> dict[str, Any]:
    """Pretrains, extracts and probes.

    Args:
        prepared: The prepared scene.
        probed: (H, W) bool, the labelled pixels of the probe.
        variant: Settings as `pretrain.steps=600 devices.precision=bf16-mixed`, and `CHANNELS`
            where the probes see these too; alone: without a denoiser.
        seed: Seed of the denoiser.
        denoisers: Pretrains, or keeps what an earlier variant pretrained.

    Returns:
        `overall_accuracy` and `average_accuracy` of the probe, `position_r2` on blocks that the
        second probe did not see, `seconds` of pretraining.
    """
    valid = valid_mask(prepared)
    places = np.zeros(valid.shape, bool)
    seen = np.flatnonzero(valid)
    places.ravel()[seen[:: max(len(seen) // _PLACES, 1)]] = True
    described, seconds = _described(prepared, (probed, places), variant, seed, denoisers)
    targets = prepared[LABELS].to_numpy()[probed].astype(np.int64)
    blocks = grid_blocks(valid.shape, _BLOCK)
    overall, average = probe_accuracy(
        described[0], targets, blocks[probed], LinearProbeSettings(block=_BLOCK)
    )
    return {
        "overall_accuracy": overall,
        "average_accuracy": average,
        "position_r2": position_r2(described[1], places),
        "seconds": round(seconds, 1),
        "probed": int(probed.sum()),
    }


def position_r2(features: np.ndarray, places: np.ndarray) -> float:
    """How much of row and column a ridge regression finds on blocks that it did not see.

    Args:
        features: (N, D) of the pixels.
        places: (H, W) bool, the N pixels; every other block of a chequerboard is fitted on.
    """
    at = np.argwhere(places)
    fitted = (at // _BLOCK).sum(1) % 2 == 0
    probe = make_pipeline(StandardScaler(), Ridge(_ALPHA)).fit(features[fitted], at[fitted])
    return float(probe.score(features[~fitted], at[~fitted]))


def _described(
    prepared: xr.Dataset,
    pixels: Sequence[np.ndarray],
    variant: str,
    seed: int,
    denoisers: Denoisers,
) -> tuple[list[np.ndarray], float]:
    # What describes the pixels, and the seconds of pretraining.
    channels, _ = stack_channels(prepared)
    own = [channels[:, those].T for those in pixels]
    if variant == CHANNELS:
        return own, 0.0
    typed = OmegaConf.create({"pretrain": {}, "features": {}, "devices": {}})
    OmegaConf.set_struct(typed, True)  # other groups are refused
    for group in typed.values():
        OmegaConf.set_struct(group, False)
    typed.merge_with_dotlist([setting for setting in variant.split() if setting != CHANNELS])
    groups: Any = OmegaConf.to_container(typed)
    devices = DeviceSettings.model_validate(groups["devices"])
    settings = PretrainSettings.model_validate(groups["pretrain"])
    denoiser, seconds = denoisers.get(prepared, settings, seed, devices)
    wanted = FeatureSettings.model_validate(groups["features"])
    with tempfile.TemporaryDirectory() as folder:
        cubes = ArtifactCache(Path(folder), 1)
        cube = cached_feature_cube(denoiser, prepared, wanted, cubes).cube
        features = [pixel_features(cube, those) for those in pixels]
    if CHANNELS in variant.split():
        features = [np.hstack(both) for both in zip(own, features, strict=True)]
    return features, seconds


def summary(records: Sequence[dict[str, Any]]) -> str:
    """A Markdown table: by scene and variant, means over the seeds."""
    measures = ["overall_accuracy", "average_accuracy", "position_r2", "seconds"]
    found = pd.DataFrame(list(records)).groupby(["scene", "variant"], sort=False)
    lines = [
        "| scene | variant | OA / AA of the probe | position, R2 | pretraining | seeds |",
        "|---|---|---|---|---|---|",
    ]
    for (scene, variant), those in found:
        overall, average, position, seconds = those[measures].mean()
        lines.append(
            f"| {scene} | `{variant}` | {100 * overall:.1f} / {100 * average:.1f} | "
            f"{position:.2f} | {seconds:.0f} s | {those['seed'].nunique()} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Parses the command line, measures what is not recorded, writes records and the table."""
    about = __doc__.splitlines()[0]
    parser = study_parser(about, DOCUMENT, "steps", VARIANTS, (0,))
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    record = options.document.with_suffix("") / f"{options.table}.json"
    with tempfile.TemporaryDirectory() as folder:
        _measure_all(options, record, Denoisers(Path(folder)))
    table = summary(read_records(record))
    write_table(options.document, options.table, table)
    print(table)


def _measure_all(options: argparse.Namespace, record: Path, denoisers: Denoisers) -> None:
    for name in options.scenes:
        parameters = parameters_of(name, "local")
        scene = ingest(
            name, parameters["scene"], IngestSettings.model_validate(parameters["ingest"])
        )
        prepared = fit_preparation(scene, PreparationSettings()).apply(scene)
        probed = probed_pixels(scene, name)
        for seed, variant in product(options.seeds, options.variants):
            run = {"scene": name, "variant": variant, "seed": seed}
            if is_recorded(record, run):
                continue
            add_records(record, [{**run, **measure(prepared, probed, variant, seed, denoisers)}])
            print(*run.values(), flush=True)


if __name__ == "__main__":
    main()
