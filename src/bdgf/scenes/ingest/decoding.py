"""Turns stored numbers into a modality: masks, nodata, scale and bad bands."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.config import Modality
from bdgf.scenes.ingest.bands import ChosenBands, choose_bands, ranges, refuse_all_hidden
from bdgf.scenes.ingest.declared import check_lists, is_nodata, nodata_table, scale_and_offset
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.scaled_fills import warn_of_fills
from bdgf.scenes.ingest.units import units_of
from bdgf.scenes.readers.raw_array import RawArray
from bdgf.scenes.scene import ModalityArray
from bdgf.scenes.sources import ImageSource

log = logging.getLogger(__name__)

_ROWS = 16  # decoded at a time: fast, and little memory beside the scene's


@dataclass
class _Seen:
    """Statistics of a modality's rows so far; `masked` and `broken` count pixels."""

    in_band: np.ndarray
    masked: list[int]
    fill: list[int]
    broken: int = 0
    least: float = np.inf
    greatest: float = -np.inf

    def look(self, values: np.ndarray, missing: np.ndarray) -> None:
        """Adds rows (y, x, bands) of values and their mask of missing values."""
        if missing.any():
            data = ~missing
            self.in_band |= data.any(axis=(0, 1))
            self.least = min(self.least, values.min(where=data, initial=np.inf))
            self.greatest = max(self.greatest, values.max(where=data, initial=-np.inf))
        else:
            self.in_band[:] = True
            self.least = min(self.least, values.min())
            self.greatest = max(self.greatest, values.max())


def decode_image(
    found: FoundArray[ImageSource],
    modality: Modality,
    shape: tuple[int, int],
    *,
    is_whole: bool = True,
) -> ModalityArray:
    """A modality as (H, W, bands) float32 in its units, with where all its bands have data.

    A value is no data where it is not finite, equals a nodata value of its band as stored, lies
    outside the file's valid range, or is hidden by a mask or by an alpha band.

    Args:
        found: Its files, axes (y, x, band).
        modality: Its configuration.
        shape: Rows and columns H, W.
        is_whole: Whether the arrays are the whole image; of a part nothing is said, and it may be
            constant or without data.

    Raises:
        SceneError: The values are no image: complex, constant, a band without data, or bands that
            `choose_bands` refuses.
    """
    if any(array.values.dtype.kind not in "biuf" for array in found.arrays):
        raise SceneError(f"{found.about} holds complex values; give amplitudes or intensities")
    units = units_of(found, modality)
    for array in found.arrays:
        check_lists(found, modality, array)
    chosen = choose_bands(found, modality)
    count = sum(len(file.bands) for file in chosen)
    values = np.empty((*shape, count), np.float32)
    has_data = np.empty(shape, bool)
    seen = _Seen(np.zeros(count, bool), [0] * len(chosen), [0] * len(chosen))
    files = [
        _FileDecoder.of(a, c, found, modality) for a, c in zip(found.arrays, chosen, strict=True)
    ]
    for first in range(0, shape[0], _ROWS):
        rows = slice(first, first + _ROWS)
        missing = np.zeros(values[rows].shape, bool)
        for i, file in enumerate(files):
            file.decode(rows, values[rows], missing, seen, i)
        seen.look(values[rows], missing)
        has_data[rows] = ~missing.any(axis=2)
    if is_whole:
        _report(found, files, chosen, seen, has_data.size)
        refuse_all_hidden(found, seen.masked, has_data.size)
        _check(found, modality, chosen, seen)
        for file in (f for f in files if f.scale is not None):
            warn_of_fills(found, modality, file.array, file.bands, file.masked)
    scale: Literal["linear", "log"] = "log" if modality.to_decibels else "linear"
    numbers = _band_numbers(found, chosen)
    return ModalityArray(values, modality.kind, units, scale, has_data, numbers=numbers)


@dataclass(frozen=True)
class _FileDecoder:
    """Decodes the rows of one file.

    Attributes:
        array: The file's array, (y, x, band).
        bands: Its bands that are taken, and `places`, where they go.
        masked: Bool (y, x) or (y, x, band): what its mask hides, if that counts.
        nodata: (numbers, bands) in the array's dtype or float64; NaN stands for none.
        scale: (bands,) factors and `offset` (bands,), or None where stored numbers are values.
    """

    array: RawArray
    bands: np.ndarray
    places: np.ndarray
    masked: np.ndarray | None
    nodata: np.ndarray
    scale: np.ndarray | None
    offset: np.ndarray

    @classmethod
    def of(
        cls,
        array: RawArray,
        chosen: ChosenBands,
        found: FoundArray[ImageSource],
        modality: Modality,
    ) -> _FileDecoder:
        bands, total = np.array(chosen.bands, int), array.values.shape[2]
        scale, offset = scale_and_offset(array, found.source.scale, total)
        trivial = bool(np.all(scale == 1) and np.all(offset == 0))
        masked = None if found.source.mask == "none" else array.masked
        if chosen.alpha is not None:
            hidden = array.values[..., chosen.alpha] == 0
            hidden = hidden if masked is None or masked.ndim == 2 else hidden[..., None]
            masked = hidden if masked is None else masked | hidden
        return cls(
            array,
            bands,
            np.array(chosen.places, int),
            masked,
            nodata_table(array, modality.nodata, total)[:, bands],
            None if trivial else scale[bands],
            offset[bands],
        )

    def decode(
        self, rows: slice, values: np.ndarray, missing: np.ndarray, seen: _Seen, file: int
    ) -> None:
        """Writes values (y, x, bands) of some rows, and where they are missing."""
        if not self.bands.size:
            return
        bands = _selection(self.bands, self.array.values.shape[2])
        stored = self.array.values[rows][..., bands]
        fill = is_nodata(stored, self.nodata)
        if self.array.valid_range is not None:
            least, greatest = self.array.valid_range
            fill |= (stored < least) | (stored > greatest)
        hidden = np.zeros((), bool)
        if self.masked is not None:
            mask = self.masked[rows]
            hidden = mask[..., None] if mask.ndim == 2 else mask[..., bands]
            seen.masked[file] += int(hidden.any(axis=2).sum())
        with np.errstate(over="ignore"):  # beyond float32 is infinite, hence no data
            if self.scale is None:
                decoded = stored.astype(np.float32)
            else:
                decoded = (stored * self.scale.astype(np.float64) + self.offset).astype(np.float32)
        places = _selection(self.places, values.shape[2])
        values[..., places] = decoded
        seen.fill[file] += int((fill & ~hidden).any(axis=2).sum())
        if self.scale is not None or stored.dtype.kind == "f":  # whole numbers are finite
            broken = ~np.isfinite(decoded)
            seen.broken += int((broken & ~fill & ~hidden).any(axis=2).sum())
            fill |= broken
        missing[..., places] = fill | hidden


def _selection(numbers: np.ndarray, count: int) -> np.ndarray | slice:
    """What to index with: all of them in order need no copy."""
    return slice(None) if np.array_equal(numbers, np.arange(count)) else numbers


def _report(
    found: FoundArray[ImageSource],
    files: Sequence[_FileDecoder],
    chosen: Sequence[ChosenBands],
    seen: _Seen,
    pixels: int,
) -> None:
    """Logs one line per file with the applied metadata, and warns if nodata is not declared."""
    for i, (file, bands) in enumerate(zip(files, chosen, strict=True)):
        said = [*file.array.notes, *bands.notes]
        if file.scale is not None and file.bands.size:
            said.append(_scale_text(file.scale, file.offset))
        if seen.masked[i]:
            said.append(f"{100 * seen.masked[i] / pixels:.2g} % masked")
        if seen.fill[i]:
            said.append(f"{100 * seen.fill[i] / pixels:.2g} % nodata")
        if said:
            log.info("%s: %s: %s", found.scene, found.source.file[i], ", ".join(said))
    knows_nodata = any(
        any(f.array.nodata) or (f.nodata == f.nodata).any() or f.masked is not None for f in files
    )
    if seen.broken and not knows_nodata:
        log.warning(
            "%s: %d pixels with NaN or infinite values count as nodata", found.about, seen.broken
        )


def _scale_text(scale: np.ndarray, offset: np.ndarray) -> str:
    text = []
    for name, numbers, none in (("scale", scale, 1.0), ("offset", offset, 0.0)):
        if np.all(numbers == none):
            continue
        least, greatest = numbers.min(), numbers.max()
        one = least == greatest
        text.append(f"{name} {least:g}" if one else f"{name} {least:g} to {greatest:g} by band")
    return ", ".join(text)


def _check(
    found: FoundArray[ImageSource],
    modality: Modality,
    chosen: Sequence[ChosenBands],
    seen: _Seen,
) -> None:
    if not seen.in_band.all():
        numbers = _band_numbers(found, chosen)
        empty = [numbers[place] for place in np.flatnonzero(~seen.in_band)]
        listed = ranges(empty)
        raise SceneError(
            f"{found.about}: band{'s' if len(empty) > 1 else ''} {listed} (counted from 0) "
            f"{'holds' if len(empty) == 1 else 'hold'} nothing but NaN, infinite or nodata values; "
            f"leave out with `exclude: {listed}`, or correct the file"
        )
    if seen.least == seen.greatest:
        raise SceneError(
            f"{found.about} is {seen.least:g} everywhere; choose another variable or file"
        )


def _band_numbers(found: FoundArray[ImageSource], chosen: Sequence[ChosenBands]) -> tuple[int, ...]:
    """The number of each band that is taken, as `channels` and `exclude` count."""
    first = 0
    by_place: dict[int, int] = {}
    for array, file in zip(found.arrays, chosen, strict=True):
        by_place |= {p: first + b for p, b in zip(file.places, file.bands, strict=True)}
        first += array.values.shape[2]
    return tuple(by_place[place] for place in sorted(by_place))
