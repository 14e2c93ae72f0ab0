"""A part of a scene as a scene of its own: cropped files and a YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import yaml
from rasterio.windows import Window

from bdgf.core.errors import SettingsError
from bdgf.scenes.config import SceneConfig
from bdgf.scenes.file_search import find_scene_files
from bdgf.scenes.scene import LABELS

GAP = 16
"""Pixels around the target whose labels do not train: more than a patch reaches."""


@dataclass(frozen=True)
class Part:
    """A window of a scene: first and last row, first and last column, as shares of its sides."""

    top: float = 0
    bottom: float = 1
    left: float = 0
    right: float = 1

    def window(self, shape: tuple[int, int]) -> Window:
        """The window on a raster of a shape (H, W)."""
        rows = (round(self.top * shape[0]), round(self.bottom * shape[0]))
        columns = (round(self.left * shape[1]), round(self.right * shape[1]))
        return Window.from_slices(rows, columns)


def cut_scene(
    config: SceneConfig,
    folders: Sequence[Path],
    part: Part,
    place: Path,
    without: Part | None = None,
) -> Path:
    """Writes a part of a scene as a scene of its own, of the classes that it has labels of.

    Args:
        config: The scene, of one GeoTIFF an array.
        folders: Where its files are.
        part: What is cut out.
        place: A new folder for files and YAML file; its name becomes the scene's.
        without: Labels in this part of the scene, and `GAP` pixels around it, are left out.

    Returns:
        The YAML file.

    Raises:
        SettingsError: The scene is not of one file an array, or files are missing.
    """
    files = {found.item: found.paths for found in find_scene_files(config, folders)}
    place.mkdir(parents=True)
    described: dict[str, Any] = {"modalities": {}}
    for item in (*config.modalities, LABELS):
        paths = files.get(item, ())
        if len(paths) != 1 or paths[0].suffix != ".tif":
            raise SettingsError(f"{place.name}: {item} is not one GeoTIFF that could be cut")
        with rasterio.open(paths[0]) as raster:
            window = part.window(raster.shape)
            values = raster.read()
            if item == LABELS:
                values, described["classes"] = _labels(values, config, window, without)
            first, rows, left, columns = (
                *(int(window.row_off), int(window.height)),
                *(int(window.col_off), int(window.width)),
            )
            cropped = values[:, first : first + rows, left : left + columns]
            profile = raster.profile | {
                "height": rows,
                "width": columns,
                "transform": raster.window_transform(window),
            }
        with rasterio.open(place / f"{item}.tif", "w", **profile) as target:
            target.write(cropped)
        if item == LABELS:
            described[LABELS] = {"file": f"{item}.tif"}
            continue
        told = config.modalities[item]
        kept = told.model_dump(include={"kind", "units", "to_decibels", "nodata"}, mode="json")
        described["modalities"][item] = kept | {"file": f"{item}.tif"}
    path = place / "scene.yml"
    path.write_text(yaml.safe_dump({place.name: described}, sort_keys=False))
    return path


def _labels(
    values: np.ndarray, config: SceneConfig, window: Window, without: Part | None
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    # Renumbered, since a scene's class ids have no gaps.
    kept = np.zeros_like(values, bool)
    rows, columns = window.toslices()
    kept[:, rows, columns] = True
    if without is not None:
        out = without.window(values.shape[1:])
        top, left = max(int(out.row_off) - GAP, 0), max(int(out.col_off) - GAP, 0)
        bottom, right = (int(out.row_off + out.height) + GAP, int(out.col_off + out.width) + GAP)
        kept[:, top:bottom, left:right] = False
    labels, classes = np.zeros_like(values), []
    for told in config.classes:
        here = kept & (values == told.id)
        if here.any():
            classes.append({"id": len(classes) + 1, "name": told.name, "color": told.color})
            labels[here] = len(classes)
    return labels, classes
