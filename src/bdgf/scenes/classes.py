"""The land-cover classes of a scene: ids, names, colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bdgf.core.errors import SceneError

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_MAX_CLASSES = 255  # labels are uint8, 0 = unlabelled

# Twenty colours that stay apart, also for colour-blind readers as far as that many can.
_PALETTE = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#56b4e9", "#d55e00", "#332288"),
    *("#999933", "#882255", "#44aa99", "#ddcc77", "#117733", "#aa4499", "#88ccee", "#661100"),
    *("#7f7f7f", "#bbcc33", "#4477aa", "#ee8866"),
)


@dataclass(frozen=True)
class ClassTable:
    """The land-cover classes of a scene; a scene without labels may have none.

    Attributes:
        ids: 1..K, contiguous; 0 is no class.
        names: One name a class, in order of id.
        colors: One `#rrggbb` a class, in order of id.
    """

    ids: tuple[int, ...]
    names: tuple[str, ...]
    colors: tuple[str, ...]

    def __post_init__(self) -> None:
        """Checks the assumptions of all users of the table."""
        if self.ids != tuple(range(1, len(self.ids) + 1)):
            raise SceneError(
                f"class ids must be 1, 2, ... without gaps, not {list(self.ids)}; "
                "correct the scene's class list"
            )
        if len(self.ids) > _MAX_CLASSES:
            raise SceneError(f"{len(self.ids)} classes, but at most {_MAX_CLASSES} can be stored")
        if not len(self.ids) == len(self.names) == len(self.colors):
            raise SceneError("a class needs an id, a name and a colour; correct the class list")
        if len(set(self.names)) != len(self.names):
            raise SceneError(f"class names repeat: {', '.join(self.names)}; make them unique")
        if wrong := [color for color in self.colors if not _COLOR.fullmatch(color)]:
            raise SceneError(f"class colour {wrong[0]!r} is not of the form '#rrggbb'; correct it")

    @classmethod
    def of(cls, names: Sequence[str], colors: Sequence[str] | None = None) -> ClassTable:
        """The table of `names` with ids 1..K; without `colors`, from a built-in palette."""
        if colors is None:
            colors = [_PALETTE[i % len(_PALETTE)] for i in range(len(names))]
        return cls(tuple(range(1, len(names) + 1)), tuple(names), tuple(colors))

    @property
    def count(self) -> int:
        """K, the number of classes."""
        return len(self.ids)

    def name(self, class_id: int) -> str:
        """The name of the class with the id `class_id`."""
        return self.names[class_id - 1]


def check_ids(key: str, values: np.ndarray, classes: ClassTable) -> None:
    """Checks that the label map `values` named `key` holds only class ids and 0.

    Raises:
        SceneError: Names the map and the values that the class list does not have.
    """
    outside = np.setdiff1d(np.unique(values), (0, *classes.ids))
    if outside.size:
        known = f"1..{classes.count}, 0 = unlabelled" if classes.count else "empty"
        raise SceneError(
            f"{key} holds {listing(outside)}, which the class list ({known}) does not have; "
            "correct the class list or the value for unlabelled"
        )


def listing(values: Iterable[Any], most: int = 5) -> str:
    """The first `most` of the numbers, and how many more there are, for an error message."""
    texts = [f"{value:g}" for value in values]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")
