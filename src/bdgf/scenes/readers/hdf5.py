"""Plain HDF5 files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bdgf.scenes.readers.raw_array import RawArray, VariableError
from bdgf.scenes.readers.variable_path import missing_variable, only_variable


def read_hdf5(path: Path, variable: str | None) -> RawArray:
    """Reads one dataset; groups are separated by "." or "/".

    A `_FillValue` attribute is taken as nodata.

    Raises:
        VariableError: The dataset is not there or holds no numbers.
    """
    import h5py

    datasets: dict[str, Any] = {}

    def collect(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            datasets[name.replace("/", ".")] = node

    with h5py.File(path, "r") as file:
        file.visititems(collect)
        variable = variable or only_variable(path, {n: d.shape for n, d in datasets.items()})
        variable = variable.strip("/").replace("/", ".")
        if variable not in datasets:
            raise missing_variable(path, variable, datasets)
        dataset = datasets[variable]
        if dataset.dtype.kind not in "biufcV" or not dataset.size:
            raise VariableError(f"{path}: '{variable}' is no array of numbers; choose another")
        fill = dataset.attrs.get("_FillValue")
        return RawArray(dataset[()], None if fill is None else float(np.ravel(fill)[0]))
