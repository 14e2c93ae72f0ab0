"""A small scene of three classes, to be written with one thing wrong at a time."""

from pathlib import Path

import numpy as np
import xarray as xr
import yaml

from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene
from tests.data import fabricate
from tests.data.fabricate import write_raster

LABELS = fabricate.patchy_labels((24, 20), (90, 80, 70))
TRAIN, TEST = fabricate.split_labels(LABELS, (12, 11, 10))
HSI = fabricate.image(LABELS, 6)
DSM = fabricate.image(LABELS, 1, seed=1)[..., 0]
PLACE = {"crs": "EPSG:32632", "transform": (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)}
ARRAYS = {"hsi": HSI, "dsm": DSM, "labels": LABELS, "train": TRAIN, "test": TEST}


def npy_config(**changes):
    return {
        "modalities": {
            "hsi": {"kind": "spectral", "file": "hsi.npy"},
            "dsm": {"kind": "auxiliary", "units": "m", "file": "dsm.npy"},
        },
        "labels": {"file": "labels.npy"},
        "official_train": {"file": "train.npy"},
        "official_test": {"file": "test.npy"},
        "classes": [{"id": i, "name": n} for i, n in enumerate(("water", "grass", "road"), 1)],
        "require": "all",
    } | changes


def load(folder: Path, config: dict | None = None, **arrays) -> xr.Dataset:
    """Writes the small scene as .npy files, with `arrays` instead of its own, and reads it."""
    for name, values in (ARRAYS | arrays).items():
        np.save(folder / f"{name}.npy", values)
    return read_scene("mine", parse_scene_config("mine", config or npy_config()), [folder])


def changed(array: np.ndarray, place, value) -> np.ndarray:
    copy = np.array(array)
    copy[place] = value
    return copy


def raster_scene(folder: Path, arrays: dict | None = None, **places) -> xr.Dataset:
    for name, values in (ARRAYS | (arrays or {})).items():
        write_raster(folder / f"{name}.tif", values, **(PLACE | places.get(name, {})))
    config = yaml.safe_load(yaml.safe_dump(npy_config(), sort_keys=False).replace(".npy", ".tif"))
    return read_scene("mine", parse_scene_config("mine", config), [folder])


def shifted(pixels: float) -> dict:
    a, b, c, d, e, f = PLACE["transform"]
    return {"transform": (a, b, c + a * pixels, d, e, f)}
