"""Images of the mapped scene, one for each modality."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from bdgf.evaluation.scene_check.quick_look import bands_text, false_colours, shown_bands
from bdgf.raster.windows import Window, row_bands, rows_within
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.scene_windows import SceneWindows


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
    for window, first in _strips(source.shape, step, sum(form.bands for form in forms.values())):
        part = source.read(window)
        for name in forms:
            # Whole: files find every n-th value more slowly than they unpack all.
            thin = part[name].to_numpy()[first::step, ::step, bands[name]]
            values[name].append(thin)
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


def _strips(shape: tuple[int, int], step: int, bands: int) -> Iterator[tuple[Window, int]]:
    # Windows over the whole width, and the first row in each that is shown.
    height, width = shape
    for rows in row_bands(height, rows_within(width * bands)):
        yield Window(rows, slice(0, width)), -rows.start % step
