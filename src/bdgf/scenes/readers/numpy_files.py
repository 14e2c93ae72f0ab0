"""NumPy's .npy and .npz files; pickled objects are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raw_array import RawArray, VariableError
from bdgf.scenes.readers.variable_path import missing_variable, only_variable


def read_npy(path: Path, variable: str | None) -> RawArray:
    """Reads the one array of a .npy file.

    Raises:
        SceneError: A variable was asked for, but the file has no names; or it holds no numbers.
    """
    if variable is not None:
        raise SceneError(
            f"{path}: a .npy file holds one array without a name; leave out 'variable: {variable}'"
        )
    return RawArray(_numbers(path, "", np.load(path, allow_pickle=False)))


def read_npz(path: Path, variable: str | None) -> RawArray:
    """Reads one array of a .npz file.

    Raises:
        VariableError: The array is not there or holds no numbers.
    """
    with np.load(path, allow_pickle=False) as file:
        if variable is None:
            variable = only_variable(path, {name: file[name].shape for name in file.files})
        if variable not in file.files:
            raise missing_variable(path, variable, file.files)
        return RawArray(_numbers(path, f"'{variable}' ", file[variable]))


def _numbers(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.names:
        fields = ", ".join(array.dtype.names)
        raise VariableError(
            f"{path}: {name}holds records ({fields}), not numbers; save the field that is the "
            "image as an array of its own"
        )
    if array.dtype.kind not in "biufc" or not array.size:
        raise VariableError(f"{path}: {name}holds no numbers; save the image as an array of them")
    return array
