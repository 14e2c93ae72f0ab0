"""Suspicious units: numbers that do not match their units, or those of other modalities.

Nothing is converted: each rule names the numbers and the setting. The bounds are chosen here. They
leave room for glint and clouds, which are brighter than any surface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.evaluation.scene_check.finding import Finding
from bdgf.evaluation.scene_check.layers import METRES, Layer
from bdgf.preprocessing.decibels import check_intensities
from bdgf.scenes.classes import listing

_FRACTION_MOST = 2.0  # 99th percentile of reflectances 0..1
_SCALED_LEAST = 20.0  # and of such that were multiplied: by 10,000, or as digital numbers
_GAP = 30.0  # between the darkest band of a scale and the brightest of the other
_NEGATIVE_SHARE = 0.01  # of a band: noise about dark water gives less
_LOWEST, _HIGHEST = -500.0, 9000.0  # metres: the Dead Sea's shore is at -430, Everest at 8849
_FLOOR = 1e-6  # least intensity, as preparation takes it
_SAR = re.compile(
    r"(?:^|[^a-z])(?:sar|radar|s1|sentinel_?1|palsar|vv|vh|hh|hv|gamma_?0|sigma_?0|backscatter)"
    r"(?:[^a-z]|$)"
)
_DECIBELS = re.compile(r"(?:^|[^a-z])(?:db|decibels?)(?:[^a-z]|$)")
_SCALED = re.compile(r"reflectance\s*(?:x|\*)\s*10[ ,']?000?")


def unit_findings(
    layers: Sequence[Layer], modalities: xr.Dataset, masks: dict[str, np.ndarray]
) -> list[Finding]:
    """Problems with the units of a scene's modalities.

    Args:
        layers: The modalities in numbers.
        modalities: Their values, by name.
        masks: Name -> (H, W) bool, where they have data.
    """
    found = [Finding("units", text) for text in _between(layers)]
    for layer in layers:
        texts = [*_across_bands(layer), *_said(layer), *_heights(layer)]
        found += [Finding("units", text) for text in texts]
        found += [Finding("negative_reflectance", text) for text in _negative(layer)]
        texts = [*_decibels(layer), *_no_intensities(layer, modalities, masks)]
        found += [Finding("decibels", text) for text in texts]
    return found


def _between(layers: Sequence[Layer]) -> Iterator[str]:
    """Reflectances of 0..1 in one spectral modality and scaled ones in another."""
    bright = {
        layer.name: float(layer.percentile(99).max())
        for layer in layers
        if layer.kind == "spectral" and _is_reflectance(layer)
    }
    small = [name for name, value in bright.items() if 0 < value <= _FRACTION_MOST]
    large = [name for name, value in bright.items() if value >= _SCALED_LEAST]
    for name in small:
        for other in large:
            yield (
                f"the values of modality {name} reach {bright[name]:.3g}, those of {other} "
                f"{bright[other]:.3g} (99th percentiles): reflectance as a fraction beside "
                f"multiplied ones; give a number as `scale` for one of them, such as 0.0001 for "
                f"{other}"
            )


def _across_bands(layer: Layer) -> Iterator[str]:
    """Bands of 0..1 among bands of 0..10000."""
    if layer.kind != "spectral":
        return
    bright = layer.percentile(99)
    small, large = bright <= _FRACTION_MOST, bright >= _SCALED_LEAST
    few = layer.sample[:, small]
    # Whole numbers are dark bands of the multiplied kind.
    fractions = bool(few.size) and bool((few != np.round(few)).any())
    if not (fractions and large.any() and (small | large).all()):
        return
    ascending = np.sort(bright[bright > 0])
    if max(above / below for below, above in pairwise(ascending)) < _GAP:
        return
    fewer = small if small.sum() <= large.sum() else large
    bands = listing(layer.numbers[fewer], most=10)
    yield (
        f"modality {layer.name}: bands {bands} (counted from 0) are of another scale than the rest "
        f"(99th percentiles {bright[small].max():.3g} at most beside {bright[large].min():.3g} at "
        "least): bring all bands to one unit, or give them as a modality of their own with a "
        "number as `scale`"
    )


def _said(layer: Layer) -> Iterator[str]:
    """Reflectance declared as a fraction that is scaled, or the other way round."""
    units, bright = layer.units.strip().lower(), float(layer.percentile(99).max())
    if units == "reflectance" and bright > _FRACTION_MOST:
        yield (
            f"modality {layer.name}: its units are 'reflectance', but its values reach "
            f"{bright:.3g} (99th percentile): call them 'reflectance x 10000' or the like, "
            "or give a number as `scale`"
        )
    if _SCALED.search(units) and bright <= _FRACTION_MOST:
        yield (
            f"modality {layer.name}: its units are '{layer.units}', but its values reach only "
            f"{bright:.3g} (99th percentile): correct `units`, or the file's scale is applied "
            "already (`scale: none`)"
        )


def _negative(layer: Layer) -> Iterator[str]:
    if not _is_reflectance(layer):
        return
    share = (layer.sample < 0).mean(axis=0)
    bands = layer.numbers[share > _NEGATIVE_SHARE]
    if not bands.size:
        return
    worst = int(share.argmax())
    yield (
        f"modality {layer.name}: negative reflectance in {_count(bands)} "
        f"{listing(bands, most=10)} (counted from 0), in band {layer.numbers[worst]} "
        f"{share[worst]:.1%} of the pixels, down to {layer.least[worst]:.4g}: overcorrected or "
        "water-vapour bands; leave them out with `exclude`, or set `nodata` where such a number "
        "means no data"
    )


def _decibels(layer: Layer) -> Iterator[str]:
    """Decibels that would be converted again, and intensities that would not be converted."""
    in_decibels = bool(_DECIBELS.search(layer.units.lower()))
    never_negative = bool((layer.least >= 0).all())
    if layer.scale == "log":
        if in_decibels:
            yield (
                f"modality {layer.name}: its units are '{layer.units}', and `to_decibels: true` "
                "takes it to dB once more; leave `to_decibels` out"
            )
    elif layer.kind == "spectral" or not never_negative:
        return
    elif in_decibels:
        yield (
            f"modality {layer.name}: its units are '{layer.units}', but no value is negative: "
            "these look like intensities; correct `units` and set `to_decibels: true`"
        )
    elif _SAR.search(f"{layer.name} {layer.units}".lower()):
        yield (
            f"modality {layer.name}: no value is negative, so these are radar intensities or "
            "amplitudes in linear scale, ruled by few bright targets; set `to_decibels: true` for "
            "the modality"
        )


def _no_intensities(
    layer: Layer, modalities: xr.Dataset, masks: dict[str, np.ndarray]
) -> Iterator[str]:
    if layer.scale == "log":
        try:
            check_intensities(modalities[layer.name], masks[layer.name], _FLOOR)
        except SceneError as error:
            yield str(error)


def _heights(layer: Layer) -> Iterator[str]:
    if layer.units.strip().lower() not in METRES:
        return
    low, high = float(layer.least.min()), float(layer.greatest.max())
    if low < _LOWEST or high > _HIGHEST:
        yield (
            f"modality {layer.name}: its units are '{layer.units}', but its values go from {low:g} "
            f"to {high:g}, beyond any height on Earth: a fill value or another unit; set `nodata` "
            "or correct `units`"
        )


def _is_reflectance(layer: Layer) -> bool:
    units = layer.units.strip().lower()
    return layer.kind == "spectral" and ("reflectance" in units or units in ("", "1", "none"))


def _count(bands: np.ndarray) -> str:
    return "band" if len(bands) == 1 else f"{len(bands)} bands:"
