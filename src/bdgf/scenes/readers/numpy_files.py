"""NumPy's .npy and .npz files; pickled objects are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raw_array import RawArray, VariableError
from bdgf.scenes.readers.variable_path import missing_variable, only_variable

_NPY, _NPZ = b"\x93NUMPY", b"PK"


def read_npy(path: Path, variable: str | None) -> RawArray:
    """Reads the one array of a .npy file.

    Raises:
        SceneError: A variable was asked for, but the file has no names; or it holds no numbers.
    """
    if variable is not None:
        raise SceneError(
            f"{path}: a .npy file holds one array without a name; leave out 'variable: {variable}'"
        )
    _check_start(path, _NPY)
    try:
        array = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise _objects(path, "", error) from error
    return RawArray(_numbers(path, "", array))


def read_npz(path: Path, variable: str | None) -> RawArray:
    """Reads one array of a .npz file.

    Raises:
        VariableError: The array is not there or holds no numbers.
    """
    _check_start(path, _NPZ)
    with np.load(path, allow_pickle=False) as file:
        if variable is None:
            variable = only_variable(path, _shapes(file))
        if variable not in file.files:
            raise missing_variable(path, variable, file.files)
        try:
            array = file[variable]
        except ValueError as error:
            raise _objects(path, f"'{variable}' ", error) from error
        return RawArray(_numbers(path, f"'{variable}' ", array))


def _check_start(path: Path, start: bytes) -> None:
    """NumPy takes any other file for a pickled one."""
    with path.open("rb") as file:
        if file.read(len(start)) != start:
            raise ValueError("it does not begin as such files of NumPy do")


def _shapes(file: np.lib.npyio.NpzFile) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the arrays that can be read without unpickling."""
    found = {}
    for name in file.files:
        try:
            found[name] = file[name].shape
        except ValueError as error:
            if not _is_pickled(error):
                raise
    return found


def _is_pickled(error: ValueError) -> bool:
    return "allow_pickle" in str(error)


def _objects(path: Path, name: str, error: ValueError) -> Exception:
    """The error for an array of pickled objects; any other as it is."""
    if not _is_pickled(error):
        return error
    return VariableError(
        f"{path}: {name}holds Python objects (pickled), which are not read; save the image as an "
        "array of numbers"
    )


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
