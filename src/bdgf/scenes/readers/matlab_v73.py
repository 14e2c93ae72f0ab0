"""MATLAB 7.3 files: HDF5 with reversed axes; cells and struct arrays are object references."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.variable_path import missing_variable, only_variable, parse_path

if TYPE_CHECKING:
    import h5py

_INTERNAL = ("#refs#", "#subsystem#")


def read_matlab_v73(path: Path, variable: str | None) -> np.ndarray:
    """Reads one array, its axes in MATLAB's order.

    Raises:
        VariableError: The variable is not there or is no array of numbers.
    """
    import h5py

    with h5py.File(path, "r") as file:
        roots = {name: _shape(file[name]) for name in file if name not in _INTERNAL}
        steps = parse_path(variable or only_variable(path, roots), path)
        node: Any = file
        place, index = "", 0
        for name, next_index in steps:
            node, index = _element(path, place, node, index)
            inside = f"{place}." if place else ""
            fields = [f for f in node if f not in _INTERNAL] if isinstance(node, h5py.Group) else []
            if name not in fields:
                raise missing_variable(path, inside + name, [inside + field for field in fields])
            # A struct array keeps its elements in each field, so its index is still to apply.
            node, place, index = node[name], inside + name, next_index or index
        return _numbers(path, place, *_element(path, place, node, index))


def _shape(node: h5py.Dataset | h5py.Group) -> tuple[int, ...]:
    return tuple(reversed(node.shape)) if hasattr(node, "shape") else (1, 1)


def _element(path: Path, place: str, node: Any, index: int) -> tuple[Any, int]:
    """Element `index` of a cell, and 0; anything else as it is, and the index."""
    import h5py

    while isinstance(node, h5py.Dataset) and h5py.check_ref_dtype(node.dtype) is not None:
        # Stored in C order with reversed axes, which is MATLAB's own order of elements.
        references = node[()].ravel()
        if index >= references.size:
            raise VariableError(f"{path}: '{place}' has {references.size} elements, none {index}")
        node, index = node.file[references[index]], 0
    return node, index


def _numbers(path: Path, place: str, node: Any, index: int) -> np.ndarray:
    import h5py

    if isinstance(node, h5py.Group):
        inside = ", ".join(f"{place}.{field}" for field in node)
        raise VariableError(f"{path}: '{place}' is a struct; choose one of {inside}")
    if index:
        raise VariableError(f"{path}: '{place}' is no cell or struct array; leave out [{index}]")
    is_text = node.attrs.get("MATLAB_class", b"") == b"char"
    is_empty = node.attrs.get("MATLAB_empty", 0) or not node.size
    if is_text or is_empty or node.dtype.kind not in "biufV":
        raise VariableError(f"{path}: '{place}' is no array of numbers; choose another variable")
    return np.asarray(node[()].T)
