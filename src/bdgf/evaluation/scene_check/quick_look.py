"""A picture of a scene: every modality in false colours, and the labels with their legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bdgf.evaluation.figures.marks import class_patches, draw_scale_bar, lines_of
from bdgf.evaluation.ground import metres_per_pixel
from bdgf.evaluation.maps import color_image
from bdgf.evaluation.scene_check.layers import layer_mask
from bdgf.scenes.scene import LABELS, class_table, georeference, modality_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 110
_PANEL = 4.2  # inches of a panel's longer side
_MOST_PIXELS = 900  # of a panel's longer side
_MOST_COLUMNS = 3
_WIDE = 1.6  # a scene so many times as wide as high has its panels one above another
_SPECTRUM = (0.8, 0.5, 0.2)  # places along a spectrum that are red, green and blue
_STRETCH = (2.0, 98.0)  # percentiles that are black and white
_NO_DATA = 0.75  # grey
_LEAST_INTENSITY = 1e-6
_LINE = 0.25  # inches of the legend's line


def quick_look(scene: xr.Dataset, title: str = "") -> Figure:
    """The modalities side by side, grey where they have no data, then the labels.

    Args:
        scene: The scene.
        title: A line above all.
    """
    from matplotlib.figure import Figure

    height, width = scene.sizes["y"], scene.sizes["x"]
    step = -(-max(height, width) // _MOST_PIXELS)
    panels = {
        f"{name}: {bands_text(shown, scene[name].shape[-1])}": image
        for name in modality_names(scene)
        for image, shown in [false_colours(scene[name], layer_mask(scene, name), step)]
    }
    classes, labels = class_table(scene), scene[LABELS].to_numpy()
    panels["labels"] = color_image(labels[::step, ::step], classes)
    rows = len(panels) if width > _WIDE * height else -(-len(panels) // _MOST_COLUMNS)
    columns = -(-len(panels) // rows)
    scale = _PANEL / max(height, width)
    size = (
        columns * (scale * width + 0.2) + 2.2,
        max(rows * (scale * height + 0.4) + 0.4, _LINE * (lines_of(classes.names) + 2)),
    )
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axis, (name, image) in zip(axes, panels.items(), strict=False):
        axis.imshow(image, interpolation="nearest")
        axis.set_title(name, fontsize=9)
    for axis in axes:
        axis.set_axis_off()
    if (metres := metres_per_pixel((height, width), *georeference(scene))) is not None:
        draw_scale_bar(axes[0], metres[0] * step, (-(-height // step), -(-width // step)))
    present = [i for i in classes.ids if i in set(np.unique(labels).tolist())]
    names = [*(classes.name(i) for i in present), "unlabelled"]
    handles = class_patches(names, [*(classes.colors[i - 1] for i in present), "#ffffff"])
    figure.legend(handles=handles, loc="outside right center", frameon=False, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def false_colours(
    modality: xr.DataArray, mask: np.ndarray, step: int
) -> tuple[np.ndarray, list[int]]:
    """A modality in false colours, and the bands shown.

    Args:
        modality: (y, x, band) values and the attributes `kind` and `scale`.
        mask: (H, W) bool, where it has data; grey elsewhere.
        step: Every how many pixels one is shown.

    Returns:
        (h, w, 3) float in 0..1, and the bands of red, green and blue, or of grey.
    """
    shown = shown_bands(modality.attrs["kind"], modality.shape[-1])
    thin = mask[::step, ::step]
    # Only what is shown is read of a modality that lies in a file.
    values = modality[::step, ::step, shown].to_numpy()
    channels = [values[..., band].astype(np.float64) for band in range(len(shown))]
    if modality.attrs.get("scale") == "log":
        channels = [10 * np.log10(np.maximum(channel, _LEAST_INTENSITY)) for channel in channels]
    if len(channels) == 2:  # as radar is shown: both, and what they differ by
        channels.append(channels[0] - channels[1])
    image = np.stack([_stretched(channel, thin) for channel in channels], axis=-1)
    image = np.broadcast_to(image, (*thin.shape, 3)).copy()
    image[~thin] = _NO_DATA
    return image, shown


def shown_bands(kind: str, count: int) -> list[int]:
    """The bands of a modality that are red, green and blue, or grey.

    Args:
        kind: "spectral" or "auxiliary".
        count: Its bands.
    """
    if count > 3 and kind == "spectral":
        return [round(place * (count - 1)) for place in _SPECTRUM]
    return list(range(min(count, 3)))


def _stretched(channel: np.ndarray, mask: np.ndarray) -> np.ndarray:
    if not mask.any():
        return np.zeros(channel.shape)
    low, high = np.percentile(channel[mask], _STRETCH)
    stretched: np.ndarray = np.clip((channel - low) / max(high - low, 1e-12), 0, 1)
    return stretched


def bands_text(shown: list[int], count: int) -> str:
    """`bands 79, 50, 20 of 0-99`: the scene's bands, counted from 0."""
    if count == 1:
        return "1 band"
    return f"bands {', '.join(map(str, shown))} of 0-{count - 1}"
