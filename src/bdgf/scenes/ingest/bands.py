"""Selection of a modality's bands: channels, bad bands, and bands flagged as alpha."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from bdgf.core.errors import SceneError
from bdgf.scenes.config import Modality
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.readers.alpha_values import GREY_SHARE, grey_share
from bdgf.scenes.readers.raw_array import RawArray
from bdgf.scenes.sources import ImageSource

log = logging.getLogger(__name__)

_IMAGE_SHARE = 0.5  # of grey pixels in an alpha band: more are an image, with or without a frame


@dataclass(frozen=True)
class ChosenBands:
    """The bands of one file that are taken.

    Attributes:
        bands: Their numbers in the file, in the order of the modality.
        places: Their places in the modality.
        alpha: The band that masks the others, in the file's numbers.
        notes: What was decided, for the log.
    """

    bands: tuple[int, ...]
    places: tuple[int, ...]
    alpha: int | None
    notes: tuple[str, ...]


def choose_bands(found: FoundArray[ImageSource], modality: Modality) -> list[ChosenBands]:
    """The bands of each file of a modality; bands are counted from 0 over all its files.

    Raises:
        SceneError: A band is asked for that is not there, none is left, their number is not the
            expected one, or an alpha band may be a mask or an image.
    """
    _warn_of_palettes(found, modality)
    source = found.source
    counts = [array.values.shape[2] for array in found.arrays]
    first = [0, *accumulate(counts)]
    asked = source.channels if source.channels is not None else tuple(range(first[-1]))
    if outside := [b for b in (*asked, *source.exclude) if b >= first[-1]]:
        name = "channels" if outside[0] in asked else "exclude"
        raise SceneError(
            f"{found.about} has {first[-1]} bands, counted from 0, but `{name}` names "
            f"{outside[0]}; correct it"
        )
    asked = tuple(band for band in asked if band not in source.exclude)
    flagged = {first[i] + a.alpha: i for i, a in enumerate(found.arrays) if a.alpha is not None}
    masks, alpha_notes = _alpha_masks(found, modality, asked, flagged)
    asked = tuple(band for band in asked if band not in masks)
    marked = {
        first[i] + band
        for i, array in enumerate(found.arrays)
        for band in array.bad_bands
        if band < counts[i]  # a list along another axis is none of bands
    }
    leave_out = source.bad_bands == "leave out" and source.channels is None
    taken = tuple(band for band in asked if not (leave_out and band in marked))
    _check_number(found, modality, asked, taken)
    notes = [list(alpha_notes.get(i, ())) for i in range(len(counts))]
    chosen = []
    for i, count in enumerate(counts):
        here = range(first[i], first[i] + count)
        if marked & set(here):
            notes[i].append(_bad_note(marked & set(here), set(taken), first[i], count))
        places = tuple(p for p, band in enumerate(taken) if band in here)
        bands = tuple(taken[p] - first[i] for p in places)
        alpha = found.arrays[i].alpha if masks & set(here) else None
        chosen.append(ChosenBands(bands, places, alpha, tuple(notes[i])))
    return chosen


def ranges(bands: Iterable[int]) -> str:
    """Band numbers as `channels` and `exclude` take them: "0-2, 7"."""
    numbers = sorted(bands)
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    pairs = zip(starts, ends, strict=True)
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in pairs)


def refuse_all_hidden(found: FoundArray[ImageSource], masked: Sequence[int], pixels: int) -> None:
    """Refuses a file whose mask leaves nothing.

    Args:
        found: The files of a modality.
        masked: Pixels that each file's mask hides.
        pixels: All of them.

    Raises:
        SceneError: The mask or alpha band of a file hides all.
    """
    for name, hidden in zip(found.source.file, masked, strict=True):
        if hidden == pixels:
            raise SceneError(
                f"{found.about}: the mask or alpha band of {name} hides all pixels; set "
                "`mask: none`, or correct the file"
            )


def _alpha_masks(
    found: FoundArray[ImageSource],
    modality: Modality,
    asked: Sequence[int],
    flagged: dict[int, int],
) -> tuple[set[int], dict[int, list[str]]]:
    """The alpha bands that are masks, and the log's remark on each file."""
    masks: set[int] = set()
    notes: dict[int, list[str]] = {}
    with_alpha = len(asked)
    without = sum(band not in flagged for band in asked)
    for band, file in flagged.items():
        is_mask, why = _is_mask(found, modality, band, found.arrays[file], with_alpha, without)
        if is_mask:
            masks.add(band)
        kind = "taken as a mask" if is_mask else "taken as a band" if band in asked else "left out"
        notes.setdefault(file, []).append(f"band {band} is flagged as alpha and {kind} ({why})")
    return masks, notes


def _is_mask(
    found: FoundArray[ImageSource],
    modality: Modality,
    band: int,
    array: RawArray,
    with_alpha: int,
    without: int,
) -> tuple[bool, str]:
    source, expected = found.source, modality.bands or ()
    if source.mask is not None:
        return source.mask == "stored", f"`mask: {source.mask}`"
    if source.channels is not None and band in source.channels:
        return False, "`channels` asks for it"
    if (with_alpha in expected) != (without in expected):
        return (
            without in expected,
            f"`bands` expects {without if without in expected else with_alpha}",
        )
    values = array.values[..., array.alpha]
    grey = grey_share(values)
    if grey <= GREY_SHARE:
        return True, "it is opaque or transparent"
    is_asked = with_alpha > without
    if not is_asked and grey > _IMAGE_SHARE:
        return False, "it holds an image"
    as_band = f"`bands: {with_alpha}`" if is_asked else "`mask: none`"
    raise SceneError(
        f"{found.about}: band {band} is flagged as alpha but holds many values, as an image such "
        f"as near infrared does; say {as_band} where it is a band, or `mask: stored` where it is "
        "a mask"
    )


def _warn_of_palettes(found: FoundArray[ImageSource], modality: Modality) -> None:
    """Warns if numbers are indices of a colour table that is more than grey levels."""
    for array, name in zip(found.arrays, found.source.file, strict=True):
        colours = [array.palette[value] for value in sorted(array.palette)] if array.palette else []
        are_greys = all(len(set(colour)) == 1 for colour in colours)
        # Heights are often shown in colours; then the numbers are the heights all the same.
        if colours == sorted(colours) if are_greys else modality.kind == "auxiliary":
            continue
        log.warning(
            "%s: the numbers of %s stand for colours of a colour table, not for brightness, and "
            "are taken as they are; write the image in colours, as by `gdal_translate -expand "
            "rgb`, unless the table only serves to show it",
            found.about,
            name,
        )


def _bad_note(marked: set[int], taken: set[int], first: int, count: int) -> str:
    kept = marked & taken
    if not kept:
        return f"{len(marked)} of {count} bands marked bad and left out ({ranges(marked)})"
    return f"{len(kept)} of {count} bands are marked bad and kept ({ranges(kept)})"


def _check_number(
    found: FoundArray[ImageSource], modality: Modality, asked: Sequence[int], taken: Sequence[int]
) -> None:
    if not taken:
        raise SceneError(
            f"{found.about}: no band is left: `exclude`, or the file's list of bad bands, leaves "
            "all out; correct it, or set `bad_bands: keep`"
        )
    # Scenes are described by the bands in the file, users count those that are good.
    if modality.bands is None or len(asked) in modality.bands or len(taken) in modality.bands:
        return
    expected = " or ".join(map(str, modality.bands))
    left_out = f" ({len(asked)} with those marked bad)" if len(asked) > len(taken) else ""
    raise SceneError(
        f"{found.about} has {len(taken)} bands{left_out}, expected {expected}; choose another "
        "variable or correct `bands`"
    )
