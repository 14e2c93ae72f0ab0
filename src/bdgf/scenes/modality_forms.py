"""Whether the values of two rasters are comparable, and the message if not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bdgf.scenes.scene_windows import ModalityForm


def alike(one: ModalityForm, other: ModalityForm) -> bool:
    """Whether two modalities hold the same kind of numbers.

    Units that nobody stated contradict none.
    """
    units = one.units == other.units or not one.units or not other.units
    return units and replace(one, units="") == replace(other, units="")


def all_alike(found: Mapping[str, ModalityForm], wanted: Mapping[str, ModalityForm]) -> bool:
    """Whether each modality that was found is one of those that are wanted, and like it."""
    return found.keys() <= wanted.keys() and all(
        alike(wanted[name], form) for name, form in found.items()
    )


def listed(modalities: Mapping[str, ModalityForm]) -> str:
    """The modalities with kind, bands and units, for a message."""
    return ", ".join(
        f"{name} ({form.kind}, {form.bands} band{'s' * (form.bands != 1)}, "
        f"{form.units or 'no units'}{', to decibels' * (form.scale == 'log')})"
        for name, form in modalities.items()
    )
