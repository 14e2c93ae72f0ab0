"""NumPy's .npy and .npz files; pickled objects are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raw_array import RawArray
from bdgf.scenes.readers.variable_path import missing_variable, only_variable


def read_npy(path: Path, variable: str | None) -> RawArray:
    """Reads the one array of a .npy file.

    Raises:
        SceneError: A variable was asked for; the file has no names.
    """
    if variable is not None:
        raise SceneError(
            f"{path}: a .npy file holds one array without a name; leave out 'variable: {variable}'"
        )
    return RawArray(np.load(path, allow_pickle=False))


def read_npz(path: Path, variable: str | None) -> RawArray:
    """Reads one array of a .npz file.

    Raises:
        VariableError: The array is not there.
    """
    with np.load(path, allow_pickle=False) as file:
        if variable is None:
            variable = only_variable(path, {name: file[name].shape for name in file.files})
        if variable not in file.files:
            raise missing_variable(path, variable, file.files)
        return RawArray(file[variable])
