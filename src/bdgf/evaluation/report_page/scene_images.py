"""Images of the mapped scene, one for each modality."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from bdgf.evaluation.scene_check.quick_look import bands_text, false_colours, shown_bands
from bdgf.raster.windows import Window
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.scene_windows import SceneWindows

_ROWS = 256
"""Rows that are read at a time."""
_ROW_BY_ROW = 8
"""From this step on only the rows that are shown are read, one by one."""


def scene_images(source: SceneWindows, step: int) -> dict[str, np.ndarray]:
    """Each modality in false colours, by its name and the bands that are shown.

    Args:
        source: The scene, which may be larger than the memory.
        step: Every how many pixels one is shown.

    Returns:
        (h, w, 3) images in 0..1, grey where there is no data.
    """
    forms = source.modalities
    bands = {name: shown_bands(form.kind, form.bands) for name, form in forms.items()}
    values: dict[str, list[np.ndarray]] = {name: [] for name in forms}
    masks: dict[str, list[np.ndarray]] = {name: [] for name in forms}
    for window, first in _strips(source.shape, step):
        part = source.read(window)
        for name in forms:
            thin = part[name][first::step, ::step, bands[name]]
            values[name].append(thin.to_numpy())
            masks[name].append(modality_mask(part, name)[first::step, ::step])
    images = {}
    for name, form in forms.items():
        attributes = {"kind": form.kind, "scale": form.scale}
        shown = xr.DataArray(
            np.concatenate(values[name]), dims=("y", "x", "band"), attrs=attributes
        )
        image, _ = false_colours(shown, np.concatenate(masks[name]), 1)
        images[f"{name}, {bands_text(bands[name], form.bands)}"] = image
    return images


def _strips(shape: tuple[int, int], step: int) -> Iterator[tuple[Window, int]]:
    # Windows over the whole width, and the first row in each that is shown.
    height, columns = shape[0], slice(0, shape[1])
    if step >= _ROW_BY_ROW:
        for row in range(0, height, step):
            yield Window(slice(row, row + 1), columns), 0
        return
    for start in range(0, height, _ROWS):
        yield Window(slice(start, min(start + _ROWS, height)), columns), -start % step
