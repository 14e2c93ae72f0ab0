"""A dataset that is computed and written part by part, never completely in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr


class Part(NamedTuple):
    """Some of the values of a variable.

    Attributes:
        name: The variable.
        place: Where in it they lie, a slice for each of its dims.
        values: The values.
    """

    name: str
    place: tuple[slice, ...]
    values: np.ndarray


@dataclass(frozen=True)
class StreamedDataset:
    """An `xarray.Dataset` whose large variables come in parts.

    Attributes:
        forms: The large variables, as `hollow` makes them.
        parts: Makes their values; can be called again, and makes the same.
        rest: Makes the other variables; called when all parts were made, so that it may depend on
            them. Where it holds the large ones too, hollow, they get its attributes.
    """

    forms: Mapping[str, xr.DataArray]
    parts: Callable[[], Iterator[Part]]
    rest: Callable[[], xr.Dataset]

    def load(self) -> xr.Dataset:
        """All of it in memory."""
        arrays = {name: np.zeros(form.shape, form.dtype) for name, form in self.forms.items()}
        for name, place, values in self.parts():
            arrays[name][place] = values
        whole = self.whole()
        return whole.assign({name: whole[name].copy(data=arrays[name]) for name in arrays})

    def whole(self) -> xr.Dataset:
        """The dataset with its large variables hollow, when all parts were made."""
        rest = self.rest()
        return rest.assign({name: form for name, form in self.forms.items() if name not in rest})


def hollow(
    dims: tuple[str, ...], shape: tuple[int, ...], dtype: str, attributes: Mapping[str, Any]
) -> xr.DataArray:
    """An array of zeros that takes no memory, as a placeholder for a variable's values."""
    zeros = np.broadcast_to(np.zeros((), dtype), shape)
    return xr.DataArray(zeros, dims=dims, attrs=dict(attributes))
