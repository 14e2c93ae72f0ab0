"""Batches of patches gathered from resident maps, beside a DataLoader over pre-cut ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from bdgf.raster.patches import SceneTensors, gather_batch, level_patch, level_valid
from bdgf.training.allocator import keep_freed_memory
from benchmarks.comparison import Comparison, interleave, rates
from benchmarks.machine import measured_rates
from benchmarks.scenes import scene_arrays

PATCH, BATCH, BATCHES, WORKERS = 11, 512, 12, 2
TARGET = 5


def compare() -> list[Comparison]:
    """Patches a second, scene and features of three levels."""
    keep_freed_memory()  # as every training does, and for both
    arrays = scene_arrays().to("cpu")
    count = BATCH * BATCHES
    rows, cols = random_pixels(arrays, count)
    ours = resident(arrays, rows, cols)
    theirs = loaded(precut(arrays, rows, cols), BATCH, WORKERS)
    names = f"DataLoader, {WORKERS} workers, pre-cut patches", "bdgf, gathered from resident maps"
    functions = dict(
        zip(names, (lambda: _exhaust(theirs()), lambda: _exhaust(ours())), strict=True)
    )
    seconds = interleave(functions)
    bytes_of_one = patch_bytes(arrays)
    return [
        Comparison(
            f"gathering batches of {BATCH} patches of {PATCH}x{PATCH} px, scene and features",
            "patches/s",
            rates(seconds, dict.fromkeys(names, count)),
            more_is_better=True,
            floor=measured_rates().bytes / (2 * bytes_of_one),
            bound="bytes",
            target=TARGET,
            note=f"A patch with its features is {bytes_of_one / 1024:.0f} KiB; the floor reads "
            "and writes it once. The workers stay alive between epochs.",
        )
    ]


def patch_bytes(arrays: SceneTensors) -> int:
    """Bytes of one patch of the scene with its features on every level."""
    features = (
        level.shape[0] * level_patch(PATCH, i) ** 2 * level.element_size()
        for i, level in enumerate(arrays.features)
    )
    return 4 * arrays.channels.shape[0] * PATCH**2 + sum(features)


def random_pixels(arrays: SceneTensors, count: int) -> tuple[Tensor, Tensor]:
    """Rows and columns (count,) of random pixels."""
    generator = torch.Generator().manual_seed(0)
    rows, cols = (torch.randint(side, (count,), generator=generator) for side in arrays.shape)
    return rows, cols


def resident(
    arrays: SceneTensors, rows: Tensor, cols: Tensor, batch: int = BATCH
) -> Callable[[], Iterator[object]]:
    """This project's way: each batch is gathered from the maps."""
    valid = level_valid(torch.ones(arrays.shape, dtype=torch.bool), len(arrays.features))

    def batches() -> Iterator[object]:
        for start in range(0, len(rows), batch):
            part = slice(start, start + batch)
            yield gather_batch(arrays, valid, rows[part], cols[part], PATCH)

    return batches


def precut(arrays: SceneTensors, rows: Tensor, cols: Tensor) -> TensorDataset:
    """The peers' way: every patch is cut beforehand and kept."""
    valid = level_valid(torch.ones(arrays.shape, dtype=torch.bool), len(arrays.features))
    batch = gather_batch(arrays, valid, rows, cols, PATCH)
    return TensorDataset(*(maps.contiguous() for maps in (batch.scene, *batch.features)))


def loaded(
    dataset: TensorDataset, batch: int, workers: int
) -> Callable[[], Iterator[list[Tensor]]]:
    """A DataLoader over a dataset; its workers live as long as it does."""
    loader = DataLoader(dataset, batch, num_workers=workers, persistent_workers=workers > 0)
    return lambda: iter(loader)


def _exhaust(batches: Iterator[object]) -> None:
    deque(batches, maxlen=0)  # a step's batch is gone before the next is gathered
