"""MATLAB files: version 5 (and 4) through SciPy, version 7.3 is HDF5."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.hdf5 import read_hdf5
from bdgf.scenes.readers.matlab_v5_sizes import check_sizes
from bdgf.scenes.readers.matlab_v73 import is_matlab_v73, read_matlab_v73
from bdgf.scenes.readers.raw_array import RawArray, VariableError
from bdgf.scenes.readers.reading_limits import check_declared
from bdgf.scenes.readers.variable_path import missing_variable, only_variable, parse_path


def read_matlab(path: Path, variable: str | None) -> RawArray:
    """Reads one variable, or one field of nested structs ("hsi.Lidar.z"), of a .mat file.

    Only the named top-level variable is read into memory; of a version 7.3 file only the array.
    A file of this name that another program wrote as plain HDF5 is read as that: nothing says
    that its axes are reversed.

    Raises:
        VariableError: The variable is not there or is not an array of numbers.
    """
    import h5py

    if not h5py.is_hdf5(path):
        return RawArray(_read_matlab_v5(path, variable))
    if is_matlab_v73(path, variable):
        return RawArray(read_matlab_v73(path, variable))
    array = read_hdf5(path, variable)
    note = "not written by MATLAB: its axes are read as they lie"
    return replace(array, notes=(note, *array.notes))


def _read_matlab_v5(path: Path, variable: str | None) -> np.ndarray:
    from scipy.io import loadmat, whosmat

    shapes = {name: shape for name, shape, _ in whosmat(path)}
    variable = variable or only_variable(path, shapes)
    (root, index), *steps = parse_path(variable, path)
    if root not in shapes:
        raise missing_variable(path, root, shapes)
    check_sizes(path, root)
    value = loadmat(path, variable_names=[root])[root]
    place = root
    for name, next_index in steps:
        record = _element(path, place, value, index)
        fields = getattr(getattr(record, "dtype", None), "names", None) or ()  # a cell may be empty
        if name not in fields:
            raise missing_variable(path, f"{place}.{name}", [f"{place}.{f}" for f in fields])
        value, place, index = record[name], f"{place}.{name}", next_index
    return _numbers(path, place, value, index)


def _element(path: Path, place: str, value: Any, index: int) -> Any:
    """Element `index` of a cell or struct array, in MATLAB's order; anything else as it is."""
    while isinstance(value, np.ndarray) and (value.dtype == object or value.dtype.names):
        elements = value.ravel(order="F")
        if index >= elements.size:
            raise VariableError(f"{path}: '{place}' has {elements.size} elements, none {index}")
        value, index = elements[index], 0
    if index:
        raise VariableError(f"{path}: '{place}' is not a cell or struct array; leave out [{index}]")
    return value


def _numbers(path: Path, place: str, value: Any, index: int) -> np.ndarray:
    value = _element(path, place, value, index)
    if fields := getattr(getattr(value, "dtype", None), "names", None):
        inside = ", ".join(f"{place}.{field}" for field in fields)
        raise VariableError(f"{path}: '{place}' is a struct; choose one of {inside}")
    if hasattr(value, "toarray"):  # a sparse label map
        value = _dense(path, place, value)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc" or not value.size:
        raise VariableError(
            f"{path}: '{place}' is not an array of numbers; choose another variable"
        )
    return value


def _dense(path: Path, place: str, matrix: Any) -> np.ndarray:
    """The whole matrix of a sparse one; SciPy writes wherever its indices point to."""
    check_declared(path, f"the sparse matrix '{place}'", matrix.shape, matrix.dtype)
    try:
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)
    except ValueError as error:
        raise SceneError(
            f"{path}: the sparse matrix '{place}' is damaged ({error}); copy or download it again"
        ) from error
    return np.asarray(matrix.toarray())
