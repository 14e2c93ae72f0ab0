"""Prediction sets of a map, for its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bdgf.evaluation.prediction_sets import SetRule
from bdgf.evaluation.report_page.page import Block, Cell, Table, Text

_SHIFT = (
    "Coverage is promised for pixels like the held-out ones. These lie in blocks among the "
    "training pixels. Where the map is farther away, or the ground differs, sets can hold the "
    "right class less often."
)


def set_blocks(
    rule: SetRule, sizes: np.ndarray, classes: int, measured: Mapping[str, Any] | None
) -> list[Block]:
    """What the sets promise, how large they are, and what test pixels say of them.

    Args:
        rule: Which classes a set holds.
        sizes: (h, w) classes in the set of each pixel, 0 = no data.
        classes: K.
        measured: `sets` of `metrics.json`; None where nothing was scored.
    """
    found: list[Block] = [Text(" ".join([_rule(rule), _sizes(sizes, classes), _SHIFT]))]
    if measured is not None:
        found += [Text(_measured(measured)), _by_class(measured)]
    return found


def _rule(rule: SetRule) -> str:
    evidence = f"{rule.pixels:,} held-out pixels in {rule.blocks:,} blocks"
    stated = f"A set is to hold the right class of {_percent(rule.coverage)} of the pixels."
    if rule.threshold == 0:
        return f"{stated} {evidence} are too few for that: every set holds all classes."
    told = (
        f"{stated} It holds the most probable class, and each with a probability of "
        f"{rule.threshold:.3f} or more. {evidence} gave this threshold."
    )
    if rule.unlike:
        told += f" They were not seen with {', '.join(rule.unlike)}: the coverage may differ."
    return told


def _sizes(sizes: np.ndarray, classes: int) -> str:
    known = sizes[sizes > 0]
    if not known.size:
        return "The map has no data."
    return (
        f"{_percent(float((known == 1).mean()))} of the map has one class in its set; the mean is "
        f"{known.mean():.2f} of {classes} classes."
    )


def _measured(measured: Mapping[str, Any]) -> str:
    gap = 100 * (measured["coverage_measured"] - measured["coverage_stated"])
    below = f"{abs(gap):.1f} points {'less' if gap < 0 else 'more'} than stated"
    return (
        f"On the test pixels sets hold the right class in "
        f"{_percent(measured['coverage_measured'])} of cases, {below}, with "
        f"{measured['mean_size']:.2f} classes on average."
    )


def _by_class(measured: Mapping[str, Any]) -> Table:
    rows: list[list[Cell | str]] = [
        [
            name,
            *(
                ["", ""]
                if one["coverage"] is None
                else [
                    Cell(_percent(one["coverage"]), share=one["coverage"]),
                    f"{one['mean_size']:.2f}",
                ]
            ),
            f"{one['pixels']:,}",
        ]
        for name, one in measured["by_class"].items()
    ]
    note = "One threshold serves all classes: the coverage is stated for all of them together."
    return Table(["class", "coverage", "classes in the set", "test pixels"], rows, note=note)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
