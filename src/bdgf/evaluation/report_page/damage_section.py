"""Accuracy with one modality spoilt, for a map's report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bdgf.evaluation.report_page.page import Block, Cell, Table, Text

_TOLD = {
    "hidden": "missing everywhere",
    "noise": "with noise",
    "clouds": "missing in blocks, as under clouds",
}


def damage_blocks(damaged: Mapping[str, Any], whole: float) -> list[Block]:
    """Accuracies of maps that were drawn with one modality spoilt.

    Args:
        damaged: As in `metrics.json`.
        whole: Overall accuracy of the map without damage.
    """
    rows: list[list[Cell | str]] = [
        [
            modality,
            _TOLD.get(kind, kind),
            *(_bar(scores[m]) for m in ("overall_accuracy", "average_accuracy")),
            _change(scores["overall_accuracy"], whole),
            f"{scores['scored']:,}",
        ]
        for kind, of_modality in damaged.items()
        for modality, scores in of_modality.items()
    ]
    head = ["modality", "is", "overall accuracy", "average accuracy", "points", "test pixels"]
    told = "The map was drawn again with one modality spoilt at a time, by the same model."
    note = "Points are the change of the overall accuracy."
    return [Text(told), Table(head, rows, texts=2, note=note)]


def _bar(share: float | None) -> Cell | str:
    return "" if share is None else Cell(f"{100 * share:.1f} %", share=share)


def _change(share: float | None, whole: float) -> str:
    return "" if share is None else f"{100 * (share - whole):+.1f}"
