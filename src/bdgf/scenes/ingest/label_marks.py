"""Names and colours of classes in label files, matched to the scene's classes."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from bdgf.scenes.config import LandCoverClass, SceneConfig
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.sources import LabelSource

log = logging.getLogger(__name__)

_BLACK = 0


def by_other_marks(
    found: FoundArray[LabelSource],
    config: SceneConfig,
    known: np.ndarray,
    mapped: np.ndarray,
    are_outside: bool,
) -> np.ndarray | None:
    """Class ids of the numbers in a map where its file names or colours them otherwise.

    The classes' own `values` rule. Without them names come before colours, and these before
    numbers, since programs number the colours of an image as they like.

    Args:
        found: The map.
        config: The scene's configuration.
        known: (n,) the different numbers.
        mapped: (n,) class ids by number.
        are_outside: Whether some are no class by number.

    Returns:
        (n,) uint8; None where nothing tells the numbers outside.
    """
    has_values = any(not isinstance(v, str) for c in config.classes for v in c.values or ())
    names = None if has_values or not config.classes else _ids_of_names(found, config, known)
    colours = _ids_of_palette(found, config, known)
    for ids, marks in ((names, "names of its classes"), (colours, "colours of its colour table")):
        if ids is None or (has_values and not are_outside):
            continue
        if are_outside:
            log.info("%s: matched by the %s", found.about, marks)
            return ids
        if (ids == mapped).all() or not _is_one_to_one(ids):
            return mapped
        log.warning(
            "%s: by the %s, %s; these count, not the numbers: give the classes their `values` "
            "where the numbers are right",
            found.about,
            marks,
            ", ".join(
                f"{v:g} is {config.classes[i - 1].name if i else 'unlabelled'}"
                for v, i, n in zip(known.tolist(), ids.tolist(), mapped.tolist(), strict=True)
                if i != n
            ),
        )
        return ids
    return None if are_outside else mapped


def _is_one_to_one(ids: np.ndarray) -> bool:
    """Whether no two numbers are of one class."""
    return len(set(ids[ids > 0].tolist())) == int((ids > 0).sum())


def _ids_of_names(
    found: FoundArray[LabelSource], config: SceneConfig, known: np.ndarray
) -> np.ndarray | None:
    """Class ids of numbers by the names that the file gives them; None where one is unknown."""
    names, table = found.arrays[0].value_names, ids_by_name(config)
    if names is None:
        return None
    plain = [plain_name(names.get(int(v), "")) if np.isfinite(v) else "" for v in known.tolist()]
    # The number 0 has names such as "Unclassified".
    ids = [
        table.get(name, 0 if number == 0 or np.isnan(number) else None)
        for name, number in zip(plain, known, strict=True)
    ]
    return None if None in ids else np.array(ids, np.uint8)


def _ids_of_palette(
    found: FoundArray[LabelSource], config: SceneConfig, known: np.ndarray
) -> np.ndarray | None:
    """Class ids of numbers by the file's colour table; None if it does not identify all of them."""
    palette, table = found.arrays[0].palette, ids_by_colour(config)
    ids = []
    for value in known.tolist():
        colour = (palette or {}).get(int(value)) if np.isfinite(value) else (0, 0, 0)
        if (
            colour is None
            or (packed := (colour[0] << 16) | (colour[1] << 8) | colour[2]) not in table
        ):
            return None
        ids.append(table[packed])
    return np.array(ids, np.uint8)


def ids_by_number(classes: Sequence[LandCoverClass]) -> dict[float, int]:
    """Number -> class id: the classes' `values`; a class that lists names alone has its id."""
    found: dict[float, int] = {}
    for land_cover_class in classes:
        numbers = [v for v in land_cover_class.values or () if not isinstance(v, str)]
        found |= dict.fromkeys(numbers or [float(land_cover_class.id)], land_cover_class.id)
    return found


def ids_by_name(config: SceneConfig) -> dict[str, int]:
    """Plain name -> class id, 0 for names that mean unlabelled."""
    table = {plain_name(name): 0 for name in config.unlabelled if isinstance(name, str)}
    for c in config.classes:
        names = [v if isinstance(v, str) else f"{v:g}" for v in c.values or ()]
        table |= dict.fromkeys(map(plain_name, (c.name, *names)), c.id)
    return table


def ids_by_colour(config: SceneConfig) -> dict[int, int]:
    """0xRRGGBB -> class id, 0 for colours that mean unlabelled; black does, unless a class's."""
    table = {_BLACK: 0}
    table |= {c: 0 for c in map(_colour, config.unlabelled) if c is not None}
    for one in config.classes:
        colours = [_colour(text) for text in (one.color, *(one.values or ()))]
        table |= {colour: one.id for colour in colours if colour is not None}
    return table


def _colour(text: float | str | None) -> int | None:
    is_hex = isinstance(text, str) and len(text) == len("#rrggbb") and text.startswith("#")
    try:
        return int(str(text)[1:], 16) if is_hex else None
    except ValueError:
        return None


def plain_name(name: str) -> str:
    """A region's name without case, spaces and signs, which programs change."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())
