"""Scenes of any size, as GeoTIFFs in a project's folder: a fabricated landscape, repeated."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
import yaml
from rasterio.transform import from_origin
from rasterio.windows import Window

from bdgf.scenes.scene import LABELS, OFFICIAL_TRAIN, modality_names
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from benchmarks.children import ROOT

PIECE = 250
"""Side of the landscape that is repeated, in pixels."""
_OPTICAL, _OTHERS, _LEAST_BANDS = "optical", 3, 8


@dataclass(frozen=True)
class Raster:
    """A scene to be written.

    Attributes:
        rows: Height in pixels.
        columns: Width in pixels.
        channels: In three modalities together.
        labels: Pixels with labels, as many of each class, all over the scene; None labels the first
            piece: its official training pixels.
        classes: Number of classes. Fewer than the landscape has are merged ones; of more, several
            are drawn from the same kind of land.
    """

    rows: int
    columns: int
    channels: int = 15
    labels: int | None = None
    classes: int = 6

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns


def raster_name(rows: int, columns: int) -> str:
    """The name of a scene of that size."""
    return f"raster_{rows}x{columns}"


def sizes(text: str) -> list[tuple[int, int]]:
    """Rows and columns of `1000x1000,500x10980`."""
    pairs = (size.split("x") for size in text.split(","))
    return [(int(rows), int(columns)) for rows, columns in pairs]


def new_project(folder: Path) -> None:
    """Makes a project's folder with the settings of this one.

    Args:
        folder: Takes it; empty, or not there.
    """
    ignored = shutil.ignore_patterns("local")
    shutil.copytree(ROOT / "conf", folder / "conf", ignore=ignored)
    (folder / "src").mkdir()
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "conf" / "local" / "parameters_scenes").mkdir(parents=True)


def add_scenes(folder: Path, rasters: Mapping[str, Raster]) -> None:
    """Writes scenes into a project: files in `raw`, a YAML file of each in `conf/local`.

    Args:
        folder: The project's folder.
        rasters: Scenes by name.
    """
    for name, raster in rasters.items():
        _add(folder, name, raster, _landscape(raster.channels))


def add_piece(folder: Path, name: str = "piece") -> None:
    """Writes the landscape itself, all of its pixels labelled, as a scene of a project."""
    whole = _landscape(Raster.channels)
    _add(folder, name, Raster(PIECE, PIECE), whole, whole[LABELS].to_numpy())


def _landscape(channels: int) -> xr.Dataset:
    """The piece, with as many optical bands as are left beside height and SAR."""
    bands = channels - _OTHERS
    made = DemoSettings(size=PIECE, bands=max(bands, _LEAST_BANDS), nodata_corner=0)
    scene = make_demo_scene(made)
    kept = np.linspace(0, made.bands - 1, bands).round().astype(int)
    return scene.isel({scene[_OPTICAL].dims[-1]: kept})


def _add(
    folder: Path, name: str, raster: Raster, scene: xr.Dataset, known: np.ndarray | None = None
) -> None:
    place = folder / "raw" / name
    place.mkdir(parents=True)
    modalities = {}
    for modality in modality_names(scene):
        _tiled(place / f"{modality}.tif", scene[modality].to_numpy(), raster.shape)
        attributes = scene[modality].attrs
        modalities[modality] = {
            "kind": attributes["kind"],
            "units": attributes["units"],
            "to_decibels": attributes["scale"] == "log",
            "file": f"{modality}.tif",
        }
    configured = {"modalities": modalities, "labels": {"file": "labels.tif"}}
    if raster.labels is not None:
        known = spread_labels(scene[LABELS].to_numpy(), raster)
    elif known is None:
        known = scene[OFFICIAL_TRAIN].to_numpy()
    labels = np.zeros((*raster.shape, 1), np.uint8)
    labels[: len(known), : known.shape[1], 0] = known
    _tiled(place / "labels.tif", labels, raster.shape)
    configuration = folder / "conf" / "local" / "parameters_scenes" / f"{name}.yml"
    configuration.write_text(yaml.safe_dump({name: configured}))


def spread_labels(piece: np.ndarray, raster: Raster) -> np.ndarray:
    """Labels on some pixels of the repeated piece, as many of each class.

    Args:
        piece: (h, w) class ids of the landscape, from 1.
        raster: What is asked for; `labels` is a number.

    Returns:
        (H, W) class ids, uint8; 0 has no label.

    Raises:
        ValueError: The scene has too few pixels of a class.
    """
    assert raster.labels is not None
    kinds = min(int(piece.max()), raster.classes)
    merged = np.where(piece > 0, (piece - 1) % kinds + 1, 0).astype(np.uint8)
    height, width = raster.shape
    repeats = (-(-height // len(piece)), -(-width // piece.shape[1]))
    land = np.tile(merged, repeats)[:height, :width].ravel()
    rng, found = np.random.default_rng(0), np.zeros(land.size, np.uint8)
    ids = np.arange(1, raster.classes + 1)
    counts = raster.labels // raster.classes + (ids <= raster.labels % raster.classes)
    for kind in range(1, kinds + 1):
        own = (ids - 1) % kinds + 1 == kind
        chosen = rng.choice(np.flatnonzero(land == kind), counts[own].sum(), replace=False)
        found[chosen] = np.repeat(ids[own], counts[own])
    return found.reshape(raster.shape)


def _tiled(path: Path, values: np.ndarray, shape: tuple[int, int]) -> None:
    """Repeats (h, w, bands) over a raster, a row of pieces at a time."""
    height, width = shape
    tall, wide, bands = values.shape
    line = np.tile(values, (1, -(-width // wide), 1))[:, :width].transpose(2, 0, 1)
    profile = {
        "driver": "GTiff",
        "height": height,
        "width": width,
        "count": bands,
        "dtype": values.dtype.name,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "crs": "EPSG:32632",
        "transform": from_origin(500_000, 5_000_000, 10, 10),
        "BIGTIFF": "IF_SAFER",
    }
    with rasterio.open(path, "w", **profile) as target:
        for top in range(0, height, tall):
            count = min(tall, height - top)
            target.write(line[:, :count], window=Window(0, top, width, count))
