"""Useless bands: constant ones and duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from bdgf.evaluation.scene_check.finding import Finding
from bdgf.evaluation.scene_check.layers import Layer
from bdgf.preprocessing.wild_values import find_wild_values
from bdgf.preprocessing.wild_warning import wild_warning
from bdgf.scenes.classes import listing

_CONSTANT = 1e-6  # relative range
_ALIKE = 0.9999  # correlation, of the values and of what adjacent pixels differ by
_MOST_PAIRS = 20_000  # adjacent pixels
_MOST_TOLD = 5


def constant_bands(layer: Layer) -> list[Finding]:
    """Finds constant bands."""
    span = layer.greatest - layer.least
    size = np.maximum(np.abs(layer.least), np.abs(layer.greatest))
    bands = layer.numbers[span <= _CONSTANT * size]
    if not bands.size:
        return []
    text = (
        f"modality {layer.name}: {'bands' if len(bands) > 1 else 'band'} "
        f"{listing(bands, most=10)} (counted from 0) {'are' if len(bands) > 1 else 'is'} constant; "
        "leave out with `exclude`, or correct the file"
    )
    return [Finding("constant_band", text)]


def duplicate_bands(
    modalities: Mapping[str, xr.DataArray],
    masks: Mapping[str, np.ndarray],
    numbers: Mapping[str, Sequence[int]],
) -> list[Finding]:
    """Finds bands that are copies of others, in the same modality or in another.

    Neighbouring bands of a spectrometer correlate as highly as copies do. Their noise does not:
    a copy also has the same differences between adjacent pixels.

    Args:
        modalities: Name -> (y, x, band) values on one grid.
        masks: Name -> (H, W) bool, where it has data.
        numbers: Name -> numbers of its bands, for the message.
    """
    mask = np.logical_and.reduce(list(masks.values()))
    rows, columns = np.nonzero(mask[:, :-1] & mask[:, 1:])
    if len(rows) > _MOST_PAIRS:
        chosen = np.random.default_rng(0).choice(len(rows), _MOST_PAIRS, replace=False)
        rows, columns = rows[chosen], columns[chosen]
    if len(rows) < 2:
        return []
    here, beside = (
        np.concatenate(
            [m.to_numpy()[rows, c].astype(np.float64) for m in modalities.values()], axis=1
        )
        for c in (columns, columns + 1)
    )
    alike = (_correlation(here) > _ALIKE) & (_correlation(beside - here) > _ALIKE)
    names = [(name, band) for name in modalities for band in numbers[name]]
    # A band is told once, with the first that it is a copy of.
    pairs = [(int(row.argmax()), i) for i, row in enumerate(np.tril(alike, -1)) if row.any()]
    if not pairs:
        return []
    told = [
        f"band {names[copy][1]} of {names[copy][0]} as band {names[first][1]} of {names[first][0]}"
        for first, copy in pairs
    ]
    more = f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    text = (
        f"bands are there twice (correlation above {_ALIKE}, also of what adjacent pixels differ "
        f"by): {', '.join(told[:_MOST_TOLD])}{more}, counted from 0; leave the copies out with "
        "`exclude`"
    )
    return [Finding("duplicate_band", text)]


def _correlation(values: np.ndarray) -> np.ndarray:
    """(B, B) correlations of (N, B) values; 0 with a constant one."""
    values = values - values.mean(axis=0)
    size = np.sqrt((values**2).sum(axis=0))
    values = values / np.where(size > 0, size, 1)
    return values.T @ values


def wild_pixels(modality: xr.DataArray, mask: np.ndarray, numbers: Sequence[int]) -> list[Finding]:
    """Finds undeclared fill values and implausible pixels; bands are told by their numbers."""
    wild, bands = find_wild_values(modality, mask)
    if wild is None:
        return []
    told = [replace(wild_band, band=int(numbers[wild_band.band])) for wild_band in bands]
    return [Finding("wild_pixels", wild_warning(str(modality.name), told, int(wild.sum())))]
