"""Peak memory of training on a large scene: resident maps beside pre-cut patches.

`python -m benchmarks.memory resident|patches <folder>` is one of the two trainings.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.children import peak_bytes, run_child
from benchmarks.comparison import Comparison
from benchmarks.machine import available_bytes

# The size of the public scene Augsburg: hyperspectral, SAR, height; its labelled pixels.
SHAPE, CHANNELS = (332, 485), {"hyperspectral": 180, "sar": 4, "height": 1}
LABELLED, CLASSES, PATCH = 78_294, 7, 11
BATCH, STEPS = 64, 5
TARGET = 8
RESIDENT, PATCHES = "bdgf, scene and all its features resident", "pre-cut 11x11 patches, scene only"


def compare() -> list[Comparison]:
    """Peak memory of both, each in a separate process."""
    needed = 4 * sum(CHANNELS.values()) * PATCH**2 * LABELLED
    if available_bytes() < 1.25 * needed:
        print(
            f"no row for memory: cutting all patches takes {needed / 2**30:.1f} GiB, more than "
            "is free here",
            file=sys.stderr,
        )
        return []
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(Path(folder))
        run_child("benchmarks.memory", "resident", folder)  # compiles the kernels, once a machine
        peaks = {
            name: [run_child("benchmarks.memory", way, folder)["peak"] / 2**20]
            for name, way in ((PATCHES, "patches"), (RESIDENT, "resident"))
        }
    return [
        Comparison(
            f"peak memory of training, {SHAPE[0]}x{SHAPE[1]}x{CHANNELS['hyperspectral']} scene, "
            f"{LABELLED:,} labelled pixels",
            "MiB",
            peaks,
            floor=_least_bytes() / 2**20,
            bound="bytes of scene and features",
            target=TARGET,
            note="Peak resident memory of the whole process, torch included, measured once, the "
            "kernels compiled beforehand; consistency from the first step. Both read one file and "
            "train the same network; the patches hold one copy of the scene's channels and no "
            "features.",
        )
    ]


def write_inputs(folder: Path) -> None:
    """Writes the scene, prepared, and its feature cube."""
    from bdgf.datasets.netcdf import NetCDFDataset
    from bdgf.features.cube_writer import CubeLayout, FeatureCubeWriter
    from benchmarks.scenes import feature_channels, prepared_scene

    NetCDFDataset(filepath=str(folder / "scene.nc")).save(prepared_scene(SHAPE, CHANNELS))
    channels = dict(enumerate(feature_channels()))
    layout = CubeLayout("benchmark", "fabricated", SHAPE, (50, 100, 200), channels, 1)
    writer = FeatureCubeWriter(folder / "cube.h5", layout)
    writer.write_normalisation(np.zeros((3, 2, 1), np.float32))
    rng = np.random.default_rng(0)
    maps, cells = {}, {}
    for level, count in channels.items():
        rows, columns = (-(-side // 2**level) for side in SHAPE)
        maps[level] = rng.standard_normal((count, rows, columns), np.float32).astype(np.float16)
        cells[level] = np.ones((rows, columns), bool)
    writer.write(0, (0, 0), maps, cells)
    writer.finish()


def _least_bytes() -> int:
    from benchmarks.scenes import feature_channels

    pixels = SHAPE[0] * SHAPE[1]
    features = sum(2 * c * pixels // 4**level for level, c in enumerate(feature_channels()))
    return 4 * sum(CHANNELS.values()) * pixels + features


def _labels() -> tuple[np.ndarray, np.ndarray]:
    from bdgf.splits.parts import TRAIN

    rng = np.random.default_rng(0)
    labels, split = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    chosen = rng.choice(labels.size, LABELLED, replace=False)
    labels.flat[chosen] = 1 + np.arange(LABELLED) % CLASSES
    split.flat[chosen] = TRAIN
    return labels, split


def train_resident(folder: Path) -> None:
    """Trains as the pipeline does."""
    from bdgf.datasets.netcdf import NetCDFDataset
    from bdgf.features.cube import FeatureCube
    from bdgf.features.scene_tensors import scene_tensors
    from bdgf.models.bdgf.model import guided_classifier
    from bdgf.models.patch.fit import fit_classifier
    from benchmarks.scenes import train_settings

    # Lazy, as the catalog reads a prepared scene; consistency from the first step on.
    scene = NetCDFDataset(filepath=str(folder / "scene.nc"), lazy=True).load()
    arrays = scene_tensors(scene, FeatureCube(folder / "cube.h5"))
    settings = train_settings(
        first_consistency=0,
        judged=False,
        epochs=1,
        batches_per_epoch=STEPS,
        batch_size=BATCH,
    )
    labels, split = _labels()
    # No real scene leaves 180 channels to the classical branch, whose fit would take minutes here.
    unaided = settings.classifier.classical.model_copy(update={"use": False})
    make = guided_classifier(settings.classifier.model_copy(update={"classical": unaided}))
    fit_classifier(arrays, labels, split, np.ones(SHAPE, bool), CLASSES, settings, 0, make)


def train_on_patches(folder: Path) -> None:
    """Cuts every labelled pixel's patch, then trains the same network without guidance."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from bdgf.models.bdgf.classifier import Classifier
    from bdgf.models.patch.mutual_learning import classification_loss
    from benchmarks.scenes import train_settings
    from benchmarks.training import all_inside

    with xr.open_dataset(folder / "scene.nc", engine="h5netcdf") as opened:
        padded = np.concatenate([opened[name].to_numpy() for name in CHANNELS])
    radius = PATCH // 2
    padded = np.pad(padded, ((0, 0), (radius, radius), (radius, radius)))
    labels, _ = _labels()
    rows, cols = np.nonzero(labels)
    patches = np.empty((len(rows), len(padded), PATCH, PATCH), np.float32)
    for patch, row, col in zip(patches, rows, cols, strict=True):
        patch[:] = padded[:, row : row + PATCH, col : col + PATCH]
    targets = torch.from_numpy(labels[rows, cols].astype(np.int64) - 1)
    settings = train_settings()
    classifier = Classifier(settings.classifier, CHANNELS, (), CLASSES)
    optimizer = torch.optim.AdamW(classifier.parameters())
    loader = DataLoader(TensorDataset(torch.from_numpy(patches), targets), BATCH, shuffle=True)
    for _, (scene, target) in zip(range(STEPS), loader, strict=False):
        output = classifier(all_inside(scene, []))
        loss = classification_loss(
            output.logits, output.embeddings, target, settings.mutual_learning
        )["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    ways = {"resident": train_resident, "patches": train_on_patches}
    ways[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps({"peak": peak_bytes()}))
