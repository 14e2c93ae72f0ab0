"""Maps drawn from a classifier's probabilities: classes, uncertainty, colours."""

from __future__ import annotations

import numpy as np

from bdgf.scenes.classes import ClassTable

NO_DATA_COLOR = (255, 255, 255)


def class_map(probabilities: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The most probable class of each pixel.

    Args:
        probabilities: (K, H, W).
        valid: (H, W) bool.

    Returns:
        (H, W) uint8: class ids 1..K, 0 on invalid pixels.
    """
    return np.where(valid, probabilities.argmax(axis=0) + 1, 0).astype(np.uint8)


def entropy_map(probabilities: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The uncertainty of each pixel: Shannon entropy divided by log K.

    Args:
        probabilities: (K, H, W).
        valid: (H, W) bool.

    Returns:
        (H, W) float32: 0 (sure) to 1 (all classes equal), NaN on invalid pixels.
    """
    classes = len(probabilities)
    entropy = np.zeros(probabilities.shape[1:])
    for share in probabilities.astype(np.float64):  # 0 log 0 = 0
        entropy -= share * np.log(np.where(share > 0, share, 1.0))
    scaled = np.clip(entropy / np.log(max(classes, 2)), 0.0, 1.0)
    return np.where(valid, scaled, np.nan).astype(np.float32)


def color_table(classes: ClassTable) -> dict[int, tuple[int, int, int]]:
    """Red, green and blue (0..255) by class id, 0 being no class, as in GeoTIFF colour tables."""
    table = {0: NO_DATA_COLOR}
    for class_id, color in zip(classes.ids, classes.colors, strict=True):
        red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
        table[class_id] = (red, green, blue)
    return table


def color_hex(classes: ClassTable) -> list[str]:
    """`#rrggbb` by class id, 0 being no class."""
    return ["#{:02x}{:02x}{:02x}".format(*color) for color in color_table(classes).values()]


def color_image(classes_map: np.ndarray, classes: ClassTable) -> np.ndarray:
    """(H, W, 3) uint8 image of a class or label map in the classes' colours."""
    palette = np.array(list(color_table(classes).values()), np.uint8)
    return palette[classes_map]


def overview(values: np.ndarray, most: int) -> np.ndarray:
    """Every n-th pixel of an (H, W) map, so that no side is longer than `most`; n may be 1."""
    step = max(1, -(-max(values.shape) // most))
    return values[::step, ::step]
