"""Whether masking balances: the share of each modality in a pretrained denoiser's features.

Three measures, none of which uses a test pixel: the explained noise of held-out tiles, the
change of the features when a modality is hidden, and the accuracy of a linear probe on the features
of each modality alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import Field

from bdgf.core.errors import SceneError
from bdgf.core.settings import Settings
from bdgf.core.weights import Weights
from bdgf.diffusion.masking.balance_index import balance_index
from bdgf.diffusion.pretraining.modality_sensitivity import feature_shares
from bdgf.evaluation.linear_probe import LinearProbeSettings, probe_accuracy
from bdgf.features.cube import FeatureCube
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.raster.patches import level_valid
from bdgf.raster.windows import row_bands
from bdgf.scenes.scene import LABELS, valid_mask
from bdgf.splits.parts import TRAIN, VALIDATION
from bdgf.splits.validation_groups import grid_blocks
from bdgf.training.devices import DeviceSettings, make_fabric

if TYPE_CHECKING:
    import xarray as xr

ALL = "all"
ROWS = 64
"""Rows of a level that are compared at once."""


class ModalityBalanceSettings(Settings):
    """How the balance of a denoiser's features is measured. Chosen by this project."""

    probe: LinearProbeSettings = Field(
        default_factory=LinearProbeSettings, description="The linear probe."
    )


def measure_balance(
    weights: Weights,
    prepared: xr.Dataset,
    split: xr.DataArray,
    features: FeatureSettings,
    settings: ModalityBalanceSettings,
    *,
    devices: DeviceSettings | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Measures the balance of modalities in a denoiser's features.

    Args:
        weights: The pretrained denoiser.
        prepared: The prepared scene.
        split: Its split; the probes take training and validation pixels.
        features: Which features; they are extracted once for each set of visible modalities.
        settings: The probe.
        devices: Device and precision.
        folder: Where feature cubes are kept while they are needed; None for a temporary one.

    Returns:
        One record, flat but for the split's name and seed: `scene`, `model`, `split`, `strategy`,
        `signal`, `rule`, `loss_average`, `prediction`, `steps`, `seed`; of every
        modality m `mask_rate_m`, `explained_noise_m`, `feature_share_m`,
        `probe_overall_accuracy_m` and `probe_average_accuracy_m`, the last two also for `all`;
        `explained_noise_balance_index`, `feature_balance_index`, `probe_balance_index`: lowest over
        highest of the modalities' explained noise, shares, average accuracies.

    Raises:
        SceneError: There is one modality only, the scene's modalities are not the denoiser's, or
            all its training pixels lie in one block.
    """
    names = list(weights.config["modality_order"])
    if len(names) == 1:
        raise SceneError(
            f"the scene '{prepared.attrs['scene']}' has one modality, {names[0]}: there is nothing "
            "to balance; run this pipeline on a scene of two modalities at least"
        )
    fabric = make_fabric(devices)
    pixels = np.isin(split.to_numpy(), (TRAIN, VALIDATION))
    targets = prepared[LABELS].to_numpy()[pixels].astype(np.int64)
    groups = grid_blocks(pixels.shape, settings.probe.block)[pixels]
    record = _origin(weights, prepared, split)
    with TemporaryDirectory(dir=folder) as temporary:
        cubes = {
            shown: extract_features(
                weights,
                prepared,
                features,
                Path(temporary) / f"{number}.h5",
                fabric=fabric,
                visible=shown,
            )
            for number, shown in enumerate(_visible_sets(names))
        }
        full = cubes[tuple(names)]
        valid = level_valid(torch.from_numpy(valid_mask(prepared)), max(full.levels) + 1)
        change = torch.tensor(
            [
                [_change(full, cubes[_without(names, m)], lv, valid[lv][0].numpy()) for m in names]
                for lv in full.levels
            ]
        )  # (levels, M)
        accuracies = {
            name: probe_accuracy(pixel_features(cube, pixels), targets, groups, settings.probe)
            for name, cube in [*((m, cubes[(m,)]) for m in names), (ALL, full)]
        }
    for name, (overall, average) in accuracies.items():
        record[f"probe_overall_accuracy_{name}"] = overall
        record[f"probe_average_accuracy_{name}"] = average
    shares = feature_shares(change)
    record |= {f"feature_share_{m}": float(s) for m, s in zip(names, shares, strict=True)}
    alone = torch.tensor([accuracies[m][1] for m in names])
    record["feature_balance_index"] = balance_index(shares)
    record["probe_balance_index"] = balance_index(alone)
    return record


def pixel_features(cube: FeatureCube, pixels: np.ndarray) -> np.ndarray:
    """The features of chosen pixels, of all levels: each pixel has those of its level's cell.

    Args:
        cube: The features.
        pixels: (H, W) bool.

    Returns:
        (N, sum of C_l) float32, pixels in row-major order.
    """
    rows, columns = np.nonzero(pixels)
    parts = []
    for level in cube.levels:
        parts.append(cube.read(level)[:, rows >> level, columns >> level].T)
    return np.concatenate(parts, axis=1).astype(np.float32)


def _origin(weights: Weights, prepared: xr.Dataset, split: xr.DataArray) -> dict[str, Any]:
    config = weights.config
    masking, history = config["settings"]["masking"], config["history"]
    adaptive = masking["strategy"] == "adaptive"
    record: dict[str, Any] = {
        "scene": prepared.attrs["scene"],
        "model": "denoiser",
        "split": {key: split.attrs[key] for key in ("name", "seed")},
        "strategy": masking["strategy"],
        "signal": masking["signal"] if adaptive else "",
        "rule": masking["rule"] if adaptive else "",
        "loss_average": config["settings"]["objective"]["loss_average"],
        "prediction": config["settings"]["schedule"]["prediction"],
        "steps": config["steps"],
        "seed": config["seed"],
    }
    explained = []
    for name in config["modality_order"]:
        record[f"mask_rate_{name}"] = history[f"pretrain/mask_rate_{name}"][-1][1]
        # Held-out tiles on which a modality has no data explain nothing of it.
        series = history.get(f"pretrain/explained_noise_{name}") or [(0, 0.0)]
        explained.append(series[-1][1])
        record[f"explained_noise_{name}"] = explained[-1]
    record["explained_noise_balance_index"] = balance_index(torch.tensor(explained))
    return record


def _visible_sets(names: Sequence[str]) -> list[tuple[str, ...]]:
    # All, each alone, and all but each: with two modalities the last two are the same.
    sets = [tuple(names), *((m,) for m in names), *(_without(names, m) for m in names)]
    return list(dict.fromkeys(sets))


def _without(names: Sequence[str], hidden: str) -> tuple[str, ...]:
    return tuple(name for name in names if name != hidden)


def _change(full: FeatureCube, less: FeatureCube, level: int, valid: np.ndarray) -> float:
    # `relative_change` over the valid cells (h, w) of a whole scene, some rows at a time.
    change = energy = 0.0
    for rows in row_bands(len(valid), ROWS):
        one = full.read(level, rows)[:, valid[rows]].astype(np.float64)  # (C_l, cells)
        other = less.read(level, rows)[:, valid[rows]]
        change += float(((one - other) ** 2).sum())
        energy += float((one**2).sum())
    return change / energy if energy else 0.0
