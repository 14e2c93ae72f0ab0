"""Official pixels given as masks or lists, with classes from the map of all labels."""

from __future__ import annotations

import logging

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.config import SceneConfig
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.label_marks import ids_by_number
from bdgf.scenes.sources import LabelSource

log = logging.getLogger(__name__)

# Of a class map that holds one class, at most this share of pixels has another label.
_DISAGREEING_SHARE = 0.05
# Of a mask's pixels, at least this share has a label.
_LABELLED_SHARE = 0.5


def refuse_unsaid_list(found: FoundArray[LabelSource]) -> None:
    """Rejects a list of pixels without `form: pixels`.

    Raises:
        SceneError: The array is a list of pixels, not a map.
    """
    shape = found.arrays[0].values.shape
    if found.source.form is not None or found.source.axes is not None:
        return
    if len(shape) == 1 or (len(shape) == 2 and min(shape) <= 2):
        raise SceneError(
            f"{found.about} is {'x'.join(map(str, shape))}: a list of pixels, not a map; set "
            "`form: pixels` (and `first_index: 1` where it counts from 1)"
        )


def is_mask(
    found: FoundArray[LabelSource],
    numbers: np.ndarray,
    config: SceneConfig,
    labels: np.ndarray | None,
) -> bool:
    """Whether an official map only selects pixels and has no classes.

    Args:
        found: The map, with its setting `form`.
        numbers: (H, W) what it holds, NaN where there is no data.
        config: The scene's configuration.
        labels: (H, W) class ids of all labels, where there is such a map.

    Raises:
        SceneError: It may be either, or it is a mask and there is no map of all labels.
    """
    if found.source.form is not None:
        return found.source.form == "mask"
    held = _held(found, numbers, config, labels)
    count = len(config.classes) or (0 if labels is None else int(labels.max()))
    if len(held) != 1 or count == 1:
        return False
    of_class = ids_by_number(config.classes) or {1.0: 1}
    if labels is None:
        if not config.classes or (held[0] in of_class and held[0] != 1):
            return False
        raise SceneError(
            f"{found.about} holds 0 and {held[0]:g} only: it seems a mask, which takes its classes "
            "from `labels`, and there is no such map; give it, or set `form: map` if all its "
            f"pixels are of the class '{config.classes[0].name}'"
        )
    there = labels[(numbers == held[0]) & (labels > 0)]
    if held[0] not in of_class:
        log.info("%s: holds 0 and %g, read as a mask of the labels", found.about, held[0])
        return True
    others = float(np.mean(there != of_class[held[0]])) if there.size else 0.0
    if others == 0.0:
        return False  # the labels say the same
    if others < _DISAGREEING_SHARE:
        raise SceneError(
            f"{found.about} holds 0 and {held[0]:g} only, and {100 * others:.2g} % of its pixels "
            "have another class in `labels`: a mask or a map of one class; set `form: mask` or "
            "`form: map`"
        )
    log.info(
        "%s: holds 0 and %g on pixels of several classes, read as a mask of the labels",
        found.about,
        held[0],
    )
    return True


def _held(
    found: FoundArray[LabelSource],
    numbers: np.ndarray,
    config: SceneConfig,
    labels: np.ndarray | None,
) -> list[float]:
    """The numbers in an official map that are neither 0 nor unlabelled nor nodata.

    A number that means unlabelled in `labels`, such as 255, is one where it stands alone on
    labelled pixels: then it says that they are in.
    """
    unlabelled = {0.0, *(v for v in config.unlabelled if not isinstance(v, str))}
    nodata = {float(n) for one in found.arrays[0].nodata for n in one}
    nodata -= set(ids_by_number(config.classes))
    there = set(np.unique(numbers[np.isfinite(numbers)]).tolist())
    held = sorted(there - unlabelled - nodata)
    others = sorted(there - nodata - {0.0})
    if held or labels is None or len(others) != 1 or 0.0 not in there:
        return held
    return others if (labels[numbers == others[0]] > 0).mean() > _LABELLED_SHARE else []


def masked_labels(
    found: FoundArray[LabelSource],
    numbers: np.ndarray,
    config: SceneConfig,
    labels: np.ndarray,
) -> np.ndarray:
    """(H, W) uint8: the `labels` (H, W) where a mask (H, W) is neither 0 nor nodata.

    Where the setting `chosen` lists numbers, these alone are in.

    Raises:
        SceneError: It holds negative numbers.
    """
    held = found.source.chosen or _held(found, numbers, config, labels)
    chosen = np.isfinite(numbers) & np.isin(numbers, held)
    if found.source.chosen is None and (least := float(numbers.min(where=chosen, initial=0))) < 0:
        raise SceneError(
            f"{found.about} holds {least:g}, but in a mask 0 is out and 1 is in; list "
            f"{least:g} under `unlabelled`, or correct the file"
        )
    return chosen_labels(found, chosen, labels)


def chosen_labels(
    found: FoundArray[LabelSource], chosen: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """(H, W) uint8: the `labels` (H, W) on the pixels `chosen` (H, W); warns of those without."""
    if bare := int((chosen & (labels == 0)).sum()):
        log.warning("%s: %d of its pixels have no label", found.about, bare)
    return np.where(chosen, labels, 0).astype(np.uint8)


def listed_labels(
    found: FoundArray[LabelSource], labels: np.ndarray, labels_from: str
) -> np.ndarray:
    """(H, W) uint8: the `labels` (H, W) on the pixels that a list of (row, column) names.

    Raises:
        SceneError: The array is no such list, names pixels outside the scene, or another reading
            (columns first, counted from the other number) fits the labels and this one does not.
    """
    pixels = _pixels(found)
    swapped = found.source.axes is not None and found.source.axes[0] == "x"
    first = found.source.first_index
    chosen, bare = _placed(pixels, swapped, first, labels)
    other = _other_reading(pixels, swapped, first, labels) if chosen is None or bare else None
    if chosen is None:
        outside = _outside(pixels, swapped, first, labels.shape)
        hint = f"{other} would fit" if other else "check `first_index` and `axes`"
        raise SceneError(
            f"{found.about}: {outside} of its pixels lie outside {labels_from} "
            f"({labels.shape[0]}x{labels.shape[1]}); {hint}"
        )
    if other:
        raise SceneError(
            f"{found.about}: {bare} of its pixels have no label, but all have one with {other}; "
            "say which reading is right"
        )
    if not bare:
        _check_said(found, pixels, swapped, labels)
    if bare:
        log.warning("%s: %d of its pixels have no label", found.about, bare)
    return chosen


def _check_said(
    found: FoundArray[LabelSource], pixels: np.ndarray, swapped: bool, labels: np.ndarray
) -> None:
    """Rejects a list that can be read in two ways if the scene's file chooses neither."""
    said, first = found.source.model_fields_set, found.source.first_index
    ways = []
    if "first_index" not in said and pixels.min() > 0:
        ways.append((swapped, 1 - first, "from 0 and from 1; say which with `first_index`"))
    if found.source.axes is None and pixels.ndim == 1:
        ways.append((True, first, "row by row and column by column; say `axes: [y, x]` or [x, y]"))
    for axes, index, words in ways:
        chosen, bare = _placed(pixels, axes, index, labels)
        if chosen is not None and not bare:
            raise SceneError(f"{found.about}: all its pixels have a label, counted {words}")


def _pixels(found: FoundArray[LabelSource]) -> np.ndarray:
    """(n, 2) rows and columns or (n,) numbers of pixels, int64: unsigned ones could wrap around."""
    pixels = np.asarray(found.arrays[0].values)
    if pixels.ndim == 2 and pixels.shape[1] != 2 and pixels.shape[0] == 2:
        pixels = pixels.T
    if pixels.ndim == 2 and 1 in pixels.shape and pixels.shape[1] != 2:
        pixels = pixels.ravel()
    if not pixels.size or (pixels.ndim != 1 and (pixels.ndim != 2 or pixels.shape[1] != 2)):
        raise SceneError(
            f"{found.about} is {'x'.join(map(str, pixels.shape))}, not n x 2 rows and columns of "
            "pixels, nor n numbers of pixels; choose another variable"
        )
    if pixels.dtype.kind not in "iuf" or (pixels != np.round(pixels)).any():
        raise SceneError(f"{found.about} holds no integers; choose another variable")
    return pixels.astype(np.int64)


def _rows_columns(
    pixels: np.ndarray, swapped: bool, first: int, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Of a list of rows and columns, or of numbers that count row by row (swapped: by columns)."""
    if pixels.ndim == 2:
        rows, columns = (pixels[:, ::-1] if swapped else pixels).T - first
    elif swapped:
        columns, rows = np.divmod(pixels - first, shape[0])
    else:
        rows, columns = np.divmod(pixels - first, shape[1])
    return rows, columns


def _outside(pixels: np.ndarray, swapped: bool, first: int, shape: tuple[int, ...]) -> int:
    rows, columns = _rows_columns(pixels, swapped, first, shape)
    inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    return int((~inside).sum())


def _placed(
    pixels: np.ndarray, swapped: bool, first: int, labels: np.ndarray
) -> tuple[np.ndarray | None, int]:
    """The labels on the pixels, None where one lies outside; and how many have no label."""
    if _outside(pixels, swapped, first, labels.shape):
        return None, 0
    rows, columns = _rows_columns(pixels, swapped, first, labels.shape)
    chosen = np.zeros_like(labels)
    chosen[rows, columns] = labels[rows, columns]
    return chosen, int((labels[rows, columns] == 0).sum())


def _other_reading(pixels: np.ndarray, swapped: bool, first: int, labels: np.ndarray) -> str | None:
    """The settings of the one other reading by which every pixel has a label, if there is one."""
    fits = []
    for axes in (swapped, not swapped):
        for index in (first, 1 - first):
            chosen, bare = _placed(pixels, axes, index, labels)
            if (axes, index) != (swapped, first) and chosen is not None and not bare:
                changed = [f"`axes: [{'x, y' if axes else 'y, x'}]`"] if axes != swapped else []
                changed += [f"`first_index: {index}`"] if index != first else []
                fits.append(" and ".join(changed))
    return fits[0] if len(fits) == 1 else None
