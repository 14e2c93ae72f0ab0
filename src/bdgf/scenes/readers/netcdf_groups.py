"""The variables of a NetCDF file, over all its groups, with their numbers as stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.scenes.readers.attribute_values import text
from bdgf.scenes.readers.hdf5_safety import check_groups, check_links

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Groups:
    """The file's variables: path of the group ("" for the root) -> name -> variable."""

    variables: dict[str, dict[str, xr.Variable]]

    def named(self) -> dict[str, tuple[str, str]]:
        """Path of each variable, as in `products/rfl` -> its group and its name there."""
        return {
            f"{group}/{name}".lstrip("/"): (group, name)
            for group, inside in self.variables.items()
            for name in inside
        }

    def maps(self) -> dict[str, tuple[int, ...]]:
        """Path -> shape of the variables that may be images: numbers of two axes or more."""
        beside = self._coordinates()
        return {
            path: self.variables[group][name].shape
            for path, (group, name) in self.named().items()
            if self.variables[group][name].ndim >= 2
            and self.variables[group][name].dtype.kind in "biufc"
            and name not in beside
        }

    def visible(self, group: str, name: str) -> xr.Variable | None:
        """The variable as seen from a group: its own, or one of the groups above."""
        found = (self.variables[place].get(name) for place in self._upwards(group))
        return next((variable for variable in found if variable is not None), None)

    def along(self, group: str, dimension: str, size: int) -> Iterator[tuple[str, xr.Variable]]:
        """Name and 1-D variables over a dimension, the nearest first.

        Those of the group and of those above come first, then those of the groups beside: EMIT
        and PACE keep the wavelengths of their cubes in a group of their own.
        """
        near = self._upwards(group)
        for place in (*near, *(other for other in self.variables if other not in near)):
            names = self.variables[place]
            for name in sorted(names, key=lambda name: name != dimension):
                variable = names[name]
                if variable.dims == (dimension,) and variable.shape == (size,):
                    yield f"{place}/{name}".lstrip("/"), variable

    def over(self, rows: str, columns: str, shape: tuple[int, int]) -> Iterator[str]:
        """Paths of the 2-D variables over these dimensions."""
        for path, (group, name) in self.named().items():
            variable = self.variables[group][name]
            if set(variable.dims) == {rows, columns} and sorted(variable.shape) == sorted(shape):
                yield path

    def _upwards(self, group: str) -> list[str]:
        steps = group.split("/") if group else []
        places = ["/".join(steps[:count]) for count in range(len(steps), -1, -1)]
        return [place for place in places if place in self.variables]

    def _coordinates(self) -> set[str]:
        """Names that variables call their coordinates, cells' bounds included."""
        every = [v for inside in self.variables.values() for v in inside.values()]
        named = (v.attrs.get(key) for v in every for key in ("coordinates", "bounds"))
        return {name.rpartition("/")[2] for words in named for name in text(words).split()}


def is_netcdf4(path: Path) -> bool:
    """Whether a NetCDF file is one of version 4, whose variables may be read in parts."""
    import h5py

    return bool(h5py.is_hdf5(path))


@contextmanager
def open_groups(path: Path) -> Iterator[Groups]:
    """Opens a file; the numbers are read when they are asked for.

    Version 4 goes through h5netcdf, version 3 through SciPy.
    """
    import h5py
    import xarray as xr

    options: dict[str, Any] = {
        "mask_and_scale": False,
        "decode_times": False,
        "decode_coords": False,
    }
    with ExitStack() as stack:
        if h5py.is_hdf5(path):
            with h5py.File(path, "r") as file:
                check_links(path, file)
                check_groups(path, file)
            options |= {"engine": "h5netcdf", "phony_dims": "access"}
            datasets = xr.open_groups(path, **options)
        else:
            # Without the memory map SciPy closes a damaged file without a warning.
            options |= {"engine": "scipy", "backend_kwargs": {"mmap": False}}
            datasets = {"/": xr.open_dataset(path, **options)}
        for dataset in datasets.values():
            stack.enter_context(dataset)
        yield Groups(
            {
                group.strip("/"): {str(name): v for name, v in dataset.variables.items()}
                for group, dataset in datasets.items()
            }
        )


def decoded(name: str, variable: xr.Variable) -> np.ndarray:
    """The values of a coordinate as CF decodes them: some satellites pack their coordinates."""
    from xarray.conventions import decode_cf_variable

    plain = decode_cf_variable(name, variable.to_base_variable(), decode_times=False)
    return np.asarray(plain.to_numpy())
