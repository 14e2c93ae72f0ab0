"""The maps of a report as pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bdgf.evaluation.ground import length_text, scale_bar_length
from bdgf.evaluation.maps import color_hex
from bdgf.evaluation.prediction_sets import SetRule
from bdgf.evaluation.report_page.images import is_small, levels, palette_png, rgb_png
from bdgf.evaluation.report_page.map_result import MapResult
from bdgf.evaluation.report_page.page import Picture, Pictures, ScaleBar
from bdgf.splits.parts import PART_COLORS, PARTS

_BLANK = "#ffffff"
_RIGHT, _WRONG, _LEARNT = "#9ecae1", "#d55e00", "#d9d9d9"
_LEVELS = 64
"""Steps of the scale of the uncertainty: they cannot be told apart, and make a light image."""


def map_pictures(result: MapResult) -> Pictures:
    """All maps of a result side by side, below the legend of the classes."""
    pictures = [_class_map(result)]
    if result.labels is not None:
        pictures += [_labels(result), _errors(result)]
    pictures.append(_uncertainty(result))
    if result.sets is not None and result.set_sizes is not None:
        pictures.append(_set_sizes(result.set_sizes, result.sets, result))
    if len(result.votes) > 1:
        pictures.append(_agreement(result))
    pictures += [
        _picture(result, rgb_png(image), title, image.shape)
        for title, image in result.images.items()
    ]
    if result.split is not None:
        pictures.append(_split(result))
    table = result.classes
    return Pictures(pictures, list(zip(table.names, table.colors, strict=True)))


def agreement(result: MapResult) -> np.ndarray:
    """(h, w) uint8: how many branches agree with the map."""
    agreeing = np.zeros(result.class_map.shape, np.uint8)
    for votes in result.votes.values():
        agreeing += votes == result.class_map
    return agreeing


def _class_map(result: MapResult) -> Picture:
    return _categories(result, result.class_map, color_hex(result.classes), "class map")


def _labels(result: MapResult) -> Picture:
    assert result.labels is not None
    title = "reference labels"
    return _categories(result, result.labels, color_hex(result.classes), title)


def _errors(result: MapResult) -> Picture:
    assert result.labels is not None
    labelled = result.labels > 0
    scored = labelled if result.scored is None else result.scored & labelled
    wrong = result.labels != result.class_map
    values = np.select([scored & wrong, scored, labelled], [3, 2, 1], 0)
    legend = [("correct", _RIGHT), ("wrong", _WRONG)]
    if (values == 1).any():
        legend.append(("not scored (training, validation, no data)", _LEARNT))
    colors = [_BLANK, _LEARNT, _RIGHT, _WRONG]
    return _categories(result, values, colors, "errors at the scored pixels", legend)


def _uncertainty(result: MapResult) -> Picture:
    known = np.isfinite(result.uncertainty)
    scaled = np.where(known, result.uncertainty, 0.0) * (_LEVELS - 1)
    values = np.where(known, 1 + np.round(scaled), 0)
    scale = levels("viridis", _LEVELS)
    shown = [(f"{share:g}", scale[round(share * (_LEVELS - 1))]) for share in (0, 0.5, 1)]
    return _categories(
        result,
        values,
        [_BLANK, *scale],
        "uncertainty",
        [*shown, ("no data", _BLANK)],
        "Entropy of the class probabilities: 0 is certain, 1 means all classes are equal.",
    )


def _set_sizes(sizes: np.ndarray, rule: SetRule, result: MapResult) -> Picture:
    scale = levels("viridis", result.classes.count)
    there = np.flatnonzero(np.bincount(sizes.ravel())[1:]) + 1
    return _categories(
        result,
        sizes,
        [_BLANK, *scale],
        "size of the prediction sets",
        [*((f"{n}", scale[n - 1]) for n in there), ("no data", _BLANK)],
        f"How many classes the set of {100 * rule.coverage:.0f} % coverage holds.",
    )


def _agreement(result: MapResult) -> Picture:
    count = len(result.votes)
    scale = levels("viridis", count + 1)
    values = np.where(result.class_map > 0, 1 + agreement(result), 0)
    legend = [
        (f"{n} of {count}", color) for n, color in enumerate(scale) if (values == n + 1).any()
    ]
    return _categories(
        result,
        values,
        [_BLANK, *scale],
        "agreement of the branches",
        legend[::-1],
        f"How many of the branches {', '.join(result.votes)} agree with the map.",
    )


def _split(result: MapResult) -> Picture:
    assert result.split is not None
    colors = [_BLANK, *PART_COLORS.values()]
    legend = list(zip(PARTS, PART_COLORS.values(), strict=True))
    return _categories(result, result.split, colors, "split", legend)


def _categories(
    result: MapResult,
    values: np.ndarray,
    colors: Sequence[str],
    title: str,
    legend: Sequence[tuple[str, str]] = (),
    note: str = "",
) -> Picture:
    return _picture(result, palette_png(values, colors), title, values.shape, legend, note)


def _picture(
    result: MapResult,
    source: str,
    title: str,
    shape: Sequence[int],
    legend: Sequence[tuple[str, str]] = (),
    note: str = "",
) -> Picture:
    bar = None
    if result.metres is not None:
        across = result.metres[0] * result.shape[1]
        length = scale_bar_length(across)
        bar = ScaleBar(length / across, length_text(length))
    return Picture(
        source,
        title,
        note,
        (shape[1], shape[0]),
        legend,
        bar,
        pixelated=is_small(shape),
    )
