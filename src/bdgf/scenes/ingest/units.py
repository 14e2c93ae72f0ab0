"""Units of a modality: from the scene's file, compared with those of the raw files."""

from __future__ import annotations

import logging

from bdgf.core.errors import SceneError
from bdgf.scenes.config import Modality
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.sources import ImageSource

log = logging.getLogger(__name__)

_DECIBELS = "dB"
# Each unit under the names that files give it; others are not compared.
_NAMES = {
    _DECIBELS: ("db", "decibel", "decibels"),
    "m": ("m", "metre", "metres", "meter", "meters"),
    "cm": ("cm", "centimetre", "centimetres", "centimeter", "centimeters"),
    "mm": ("mm", "millimetre", "millimetres", "millimeter", "millimeters"),
    "km": ("km", "kilometre", "kilometres", "kilometer", "kilometers"),
    "ft": ("ft", "foot", "feet", "us survey foot", "us_survey_foot", "ussurveyfoot"),
    "K": ("k", "kelvin"),
    "degrees Celsius": ("c", "°c", "degc", "deg_c", "celsius", "degree_celsius", "degrees_celsius"),
    "reflectance": ("reflectance", "1", "unitless", "none", "dimensionless"),
    "%": ("%", "percent", "per cent"),
}
_KNOWN = {name: unit for unit, names in _NAMES.items() for name in names}


def units_of(found: FoundArray[ImageSource], modality: Modality) -> str:
    """The modality's units, "" if unknown.

    A raw file that says another known unit than the scene's file is warned of: nothing is
    converted.

    Raises:
        SceneError: The values are in dB already and are to be taken to dB.
    """
    said = {
        array.units: name
        for array, name in zip(found.arrays, found.source.file, strict=False)
        if array.units
    }
    if modality.to_decibels:
        for units, name in said.items():
            if _canonical(units) == _DECIBELS:
                raise SceneError(
                    f"{found.about}: {name} says that it is in dB already; leave out `to_decibels`"
                )
    wanted = _canonical(modality.units)
    for units, name in said.items():
        if wanted and _canonical(units) not in (None, wanted):
            log.warning(
                "%s: %s says '%s', the scene's file '%s'; nothing is converted: correct `units`, "
                "or give a number as `scale`",
                found.about,
                name,
                units,
                modality.units,
            )
    return modality.units or next(iter(said), "")


def _canonical(units: str) -> str | None:
    return _KNOWN.get(units.strip().lower())
