"""Full-map inference that embeds every pixel once, in row blocks.

A pixel lies in the patches of its 120 neighbours. What is position-wise in the classifier (stems,
projections of the diffusion features) is therefore computed once for each pixel of a block of rows,
and patches are gathered from the small embedded maps; the result is that of gathering raw patches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bdgf.core.errors import SettingsError
from bdgf.models.base import PredictionSettings
from bdgf.models.patch.fusion import check_fusion
from bdgf.models.patch.network import PatchNetwork
from bdgf.raster.interpolation import interpolate_cells
from bdgf.raster.patches import SceneTensors, gather_cells, level_patch, level_valid
from bdgf.raster.windows import row_bands
from bdgf.training.devices import DeviceSettings, make_fabric
from bdgf.training.lanes import open_lanes

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_FUSED = "fused"
"""Beside the branches' names, in what a batch comes to."""

# Symmetries of the square, as `gather_cells` numbers them, that are averaged at test time.
TEST_TIME_DIHEDRAL = {1: (0,), 4: (0, 2, 5, 7), 8: tuple(range(8))}


def predict_map(
    classifier: PatchNetwork,
    arrays: SceneTensors,
    valid: np.ndarray,
    settings: PredictionSettings | None = None,
    *,
    devices: DeviceSettings | None = None,
    wanted: np.ndarray | None = None,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Probabilities of the classes at every valid pixel.

    Args:
        classifier: The network.
        arrays: The scene and its diffusion features, on any device.
        valid: (H, W) bool; pixels that are not valid are neither seen nor classified.
        settings: Settings.
        devices: Where to compute.
        wanted: (H, W) bool, the pixels that are classified if they are valid; None: all.
        progress: Told of the pixels that were classified since it was last called.

    Returns:
        (K, H, W) float32, summing to one over the classes, zero at pixels that are not classified.

    Raises:
        SettingsError: The arrays are not what the classifier was trained with.
    """
    return _predict(classifier, arrays, valid, settings, devices, wanted, (), progress)[0]


def predict_with_votes(
    classifier: PatchNetwork,
    arrays: SceneTensors,
    valid: np.ndarray,
    settings: PredictionSettings | None = None,
    *,
    devices: DeviceSettings | None = None,
    wanted: np.ndarray | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What `predict_map` gives, and in the same pass what each branch says alone.

    Args and errors are those of `predict_map`.

    Returns:
        The probabilities, and by the branch's name (H, W) uint8 class ids 1..K, 0 at pixels that
        are not classified.
    """
    branches = classifier.branch_names
    return _predict(classifier, arrays, valid, settings, devices, wanted, branches, progress)


def _predict(
    classifier: PatchNetwork,
    arrays: SceneTensors,
    valid: np.ndarray,
    settings: PredictionSettings | None,
    devices: DeviceSettings | None,
    wanted: np.ndarray | None,
    branches: Sequence[str],
    progress: Callable[[int], None] | None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    # The fused probabilities (K, H, W), and (H, W) the classes that `branches` say.
    settings = settings or PredictionSettings()
    fusion = settings.fusion or classifier.fusion
    check_fusion(fusion, classifier.branch_names, stacked=classifier.decision is not None)
    rules = {_FUSED: fusion, **{name: f"branch:{name}" for name in branches}}
    check_arrays(classifier, arrays, valid)
    fabric = make_fabric(devices)
    arrays, classifier = arrays.to(fabric.device), classifier.to(fabric.device)
    seen = torch.from_numpy(np.asarray(valid, bool)).to(fabric.device)
    asked = seen if wanted is None else seen & torch.from_numpy(wanted).to(fabric.device)
    training = classifier.training
    classifier.eval()
    height, width = arrays.shape
    fused = np.zeros((classifier.classes, height * width), np.float32)
    # Of a branch alone its class is kept: the probabilities of all would take as much memory each.
    votes = {name: np.zeros(height * width, np.uint8) for name in branches}
    with torch.inference_mode(), fabric.autocast(), _workers(fabric) as apply_all:
        for pixels, found in _stream(classifier, arrays, seen, asked, settings, rules, apply_all):
            fused[:, pixels] = found[_FUSED].T
            for name, said in votes.items():
                said[pixels] = found[name].argmax(axis=1) + 1
            if progress is not None:
                progress(len(pixels))
    classifier.train(training)
    return fused.reshape(-1, height, width), {
        name: said.reshape(height, width) for name, said in votes.items()
    }


def check_arrays(classifier: PatchNetwork, arrays: SceneTensors, valid: np.ndarray) -> None:
    """Refuses arrays that a classifier was not made for.

    Raises:
        SettingsError: Modalities, feature channels or shapes differ.
    """
    if arrays.modality_channels != classifier.modalities:
        raise SettingsError(
            f"the classifier was trained on the modalities {classifier.modalities} but the scene "
            f"has {arrays.modality_channels}; use the scene and settings it was trained with"
        )
    wanted = classifier.level_channels[: classifier.levels]
    if arrays.level_channels[: classifier.levels] != wanted:
        raise SettingsError(
            f"the classifier was trained on features of {wanted} channels but these have "
            f"{arrays.level_channels}; compute the features with the settings of that training"
        )
    if valid.shape != arrays.shape:
        raise SettingsError(f"the valid mask is {valid.shape} but the scene {arrays.shape}")


@dataclass(frozen=True)
class EmbeddedRows:
    """Embedded maps of some rows and their surroundings, as far as the scene goes.

    Attributes:
        stems: Each branch's map (n, W, width).
        stem_row: The scene's row that is the first of those maps.
        guidance: Per level its map (n_l, W_l, G).
        centres: Per level a map (n_l, W_l, components) that is read at the pixels alone; empty
            where the network has none.
        cells: Per level (n_l, W_l) bool, which cells hold a valid pixel, and one with data of all
            modalities.
        guidance_row: Per level the first row of those.
    """

    stems: dict[str, Tensor]
    stem_row: int
    guidance: list[Tensor]
    centres: list[Tensor]
    cells: list[Tensor]
    guidance_row: list[int]


def embed_rows(
    classifier: PatchNetwork,
    arrays: SceneTensors,
    valid: tuple[Tensor, ...],
    start: int,
    stop: int,
) -> EmbeddedRows:
    """Embeds all that the patches of the pixels in rows `start` to `stop` (excluded) look at."""
    radius = classifier.patch // 2
    part = _existing(start - radius, stop + radius)
    keep = None
    if arrays.present is not None:
        keep = _last(arrays.present[:, part]).to(arrays.channels.dtype)
    stems = classifier.embed_scene(_last(arrays.channels[:, part]), _last(valid[0][:, part]), keep)
    rows = EmbeddedRows(stems, part.start, [], [], [], [])
    for level in range(classifier.levels):
        reach = max(level_patch(classifier.patch, level) // 2, 1)
        cells = _existing((start >> level) - reach, (stop - 1 >> level) + 1 + reach)
        features = _last(arrays.features[level][:, cells])
        inside = _last(valid[level][:, cells])
        if arrays.complete is not None:
            inside = inside & _last(arrays.complete[level][:, cells])
        rows.guidance.append(classifier.embed_level(level, features, inside))
        if (centre := classifier.embed_centre(level, features)) is not None:
            rows.centres.append(centre)
        rows.cells.append(inside[..., 0])
        rows.guidance_row.append(cells.start)
    return rows


def _existing(start: int, stop: int) -> slice:
    return slice(max(start, 0), max(stop, 0))


def _last(maps: Tensor) -> Tensor:
    return maps.permute(1, 2, 0)


def _stream(
    classifier: PatchNetwork,
    arrays: SceneTensors,
    seen: Tensor,
    asked: Tensor,
    settings: PredictionSettings,
    rules: Mapping[str, str],
    apply_all: ApplyAll,
) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    # Batches of flat pixel positions with their probabilities (n, K) by rule.
    height, width = arrays.shape
    valid = level_valid(seen, max(classifier.levels, 1))
    step = _block_rows(classifier, width, settings.block_megabytes)
    for band in row_bands(height, step):
        start, stop = band.start, band.stop
        rows, cols = torch.nonzero(asked[band], as_tuple=True)
        if not len(rows):
            continue
        block = embed_rows(classifier, arrays, valid, start, stop)
        pixels = ((rows + start) * width + cols).cpu().numpy()
        parts = [
            slice(first, first + settings.batch_size)
            for first in range(0, len(rows), settings.batch_size)
        ]
        classify = partial(_classify, classifier, block, rows + start, cols, settings, rules)
        for part, found in zip(parts, apply_all(classify, parts), strict=True):
            yield pixels[part], found


ApplyAll = Callable[[Callable[[slice], Any], list[slice]], Iterable[Any]]
"""Takes a function and parts; gives its results in the parts' order."""


@contextmanager
def _workers(fabric: Fabric) -> Iterator[ApplyAll]:
    # A batch is never split over threads: the map does not depend on their number.

    def alone(function: Callable[[slice], Any]) -> Callable[[slice], Any]:
        def run(part: slice) -> Any:
            with torch.inference_mode(), fabric.autocast():  # each thread's own
                return function(part)

        return run

    with open_lanes(fabric.device) as lanes:
        yield lambda function, parts: lanes.map(alone(function), parts)


def _classify(
    classifier: PatchNetwork,
    block: EmbeddedRows,
    rows: Tensor,
    cols: Tensor,
    settings: PredictionSettings,
    rules: Mapping[str, str],
    part: slice,
) -> dict[str, np.ndarray]:
    rows, cols = rows[part], cols[part]
    symmetries = TEST_TIME_DIHEDRAL[settings.dihedral]
    total: dict[str, Tensor] = {}
    for number in symmetries:
        logits = classifier.classify(*_patches(classifier, block, rows, cols, number)).logits
        for name, rule in rules.items():
            share = classifier.fuse(logits, rule) / len(symmetries)
            total[name] = total[name] + share if name in total else share
    return {name: probabilities.cpu().numpy() for name, probabilities in total.items()}


def _patches(
    classifier: PatchNetwork, block: EmbeddedRows, rows: Tensor, cols: Tensor, symmetry: int
) -> tuple[dict[str, Tensor], list[Tensor], list[Tensor]]:
    # Patches (B, P, P, width) of each stem, (B, P_l, P_l, G) and (B, components) of each level.
    patch = classifier.patch
    turn = None if symmetry == 0 else torch.full_like(rows, symmetry)

    def gather(maps: Tensor, level: int, first_row: int) -> Tensor:
        size = level_patch(patch, level)
        return gather_cells(maps, (rows >> level) - first_row, cols >> level, size, turn)

    stems = {name: gather(maps, 0, block.stem_row) for name, maps in block.stems.items()}
    guidance = [
        gather(maps, level, block.guidance_row[level]) for level, maps in enumerate(block.guidance)
    ]
    centres = []
    for level, maps in enumerate(block.centres):
        cells, first = block.cells[level], block.guidance_row[level]
        own = cells[(rows >> level) - first, cols >> level][:, None]
        centres.append(interpolate_cells(maps, cells, rows, cols, level, first) * own)
    return stems, guidance, centres


def _block_rows(classifier: PatchNetwork, width: int, megabytes: int) -> int:
    # Rows of a block whose embedded maps, surroundings included, fit in the memory.
    rows = int(megabytes * 2**20 / (4 * classifier.embedded_width * (width + classifier.patch)))
    return max(rows - classifier.patch, 1)
