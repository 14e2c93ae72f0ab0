"""NumPy's .npy and .npz files; pickled objects are refused."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raw_array import RawArray, VariableError
from bdgf.scenes.readers.reading_limits import check_declared
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
    with path.open("rb") as file:
        shape, dtype = _header(file)
        held = path.stat().st_size - file.tell()
    if not dtype.hasobject:
        check_declared(path, "its header", shape, dtype, held)
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
        declared = _declared(file)
        if variable is None:
            shapes = {n: shape for n, (shape, dtype) in declared.items() if not dtype.hasobject}
            variable = only_variable(path, shapes)
        if variable not in file.files:
            raise missing_variable(path, variable, file.files)
        shape, dtype = declared[variable]
        if not dtype.hasobject:
            check_declared(path, f"'{variable}'", shape, dtype)
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


def _declared(file: np.lib.npyio.NpzFile) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Name -> shape and dtype of the arrays, without reading them."""
    found = {}
    archive = file.zip
    assert archive is not None  # of an open file
    inside = set(archive.namelist())
    for name in file.files:
        with archive.open(name if name in inside else f"{name}.npy") as entry:
            found[name] = _header(entry)
    return found


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of an array in NumPy's format."""
    version = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(file)
    return shape, dtype


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
            "image as a separate array"
        )
    if array.dtype.kind not in "biufc" or not array.size:
        raise VariableError(f"{path}: {name}holds no numbers; save the image as an array of them")
    return array
