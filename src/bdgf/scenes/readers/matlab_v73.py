"""MATLAB 7.3 files: HDF5 with reversed axes; cells and struct arrays are object references."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.hdf5_safety import check_links, check_size, check_storage
from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.reading_limits import check_declared
from bdgf.scenes.readers.variable_path import missing_variable, only_variable, parse_path

if TYPE_CHECKING:
    import h5py

_INTERNAL = ("#refs#", "#subsystem#")
_HEADER = b"MATLAB 7.3 MAT-file"


def is_matlab_v73(path: Path, variable: str | None) -> bool:
    """Whether MATLAB wrote an HDF5 file, or the variable in it: by its attributes or its header.

    MATLAB marks each variable. An array without a mark beside others with it was added to the
    file by another program.
    """
    import h5py

    with path.open("rb") as raw:
        has_header = raw.read(len(_HEADER)) == _HEADER
    root = re.split(r"[./\[]", variable.strip("/"))[0] if variable else ""
    with h5py.File(path, "r") as file:
        nodes = {name: node for name in file if (node := file.get(name)) is not None}
        classes = {name: node.attrs.get("MATLAB_class") for name, node in nodes.items()}
        if any(classes[name] is not None for name in nodes if name == root or not root):
            return True
        marks_arrays = not {None, b"struct", b"cell", b"char"}.issuperset(classes.values())
        return has_header and not (marks_arrays and isinstance(nodes.get(root), h5py.Dataset))


def read_matlab_v73(path: Path, variable: str | None) -> np.ndarray:
    """Reads one array, its axes in MATLAB's order.

    Raises:
        VariableError: The variable is not there or is not an array of numbers.
    """
    import h5py

    with h5py.File(path, "r") as file:
        check_links(path, file)
        roots = {name: _shape(file[name]) for name in _names(file)}
        steps = parse_path(variable or only_variable(path, roots), path)
        node: Any = file
        place, index = "", 0
        for name, next_index in steps:
            node, index = _element(path, place, node, index)
            inside = f"{place}." if place else ""
            fields = _names(node) if isinstance(node, h5py.Group) else []
            if name not in fields:
                raise missing_variable(path, inside + name, [inside + field for field in fields])
            # A struct array keeps its elements in each field, so its index is still to apply.
            node, place, index = node[name], inside + name, next_index or index
        return _numbers(path, place, *_element(path, place, node, index))


def _names(group: h5py.Group) -> list[str]:
    """Names of variables or fields; h5py gives bytes for those that are no text."""
    return [name for name in group if isinstance(name, str) and name not in _INTERNAL]


def _shape(node: h5py.Dataset | h5py.Group) -> tuple[int, ...]:
    return tuple(reversed(node.shape)) if hasattr(node, "shape") else (1, 1)


def _element(path: Path, place: str, node: Any, index: int) -> tuple[Any, int]:
    """Element `index` of a cell, and 0; anything else as it is, and the index."""
    import h5py

    seen: set[int] = set()  # addresses in the file
    while isinstance(node, h5py.Dataset) and h5py.check_ref_dtype(node.dtype) is not None:
        address = h5py.h5o.get_info(node.id).addr
        if address in seen:
            raise SceneError(f"{path}: the cell '{place}' holds itself; save the array it should "
                             "hold as a separate variable")  # fmt: skip
        seen.add(address)
        check_size(path, node)
        # Stored in C order with reversed axes, which is MATLAB's own order of elements.
        references = node[()].ravel()
        if index >= references.size:
            raise VariableError(f"{path}: '{place}' has {references.size} elements, none {index}")
        node, index = node.file[references[index]], 0
        if isinstance(node, h5py.Dataset):
            check_storage(path, node)  # it need not have a name, by which it would be known
    return node, index


def _numbers(path: Path, place: str, node: Any, index: int) -> np.ndarray:
    import h5py

    if isinstance(node, h5py.Group) and "MATLAB_sparse" in node.attrs:
        return _sparse(path, place, node)
    if isinstance(node, h5py.Group):
        inside = ", ".join(f"{place}.{field}" for field in node)
        raise VariableError(f"{path}: '{place}' is a struct; choose one of {inside}")
    if not isinstance(node, h5py.Dataset):  # a type with a name, which MATLAB does not write
        raise VariableError(
            f"{path}: '{place}' is not an array of numbers; choose another variable"
        )
    if index:
        raise VariableError(f"{path}: '{place}' is not a cell or struct array; leave out [{index}]")
    is_text = node.attrs.get("MATLAB_class", b"") == b"char"
    is_empty = node.attrs.get("MATLAB_empty", 0) or not node.size
    if is_text or is_empty or node.dtype.kind not in "biufV":
        raise VariableError(
            f"{path}: '{place}' is not an array of numbers; choose another variable"
        )
    check_size(path, node)
    return np.asarray(node[()].T)


def _sparse(path: Path, place: str, group: h5py.Group) -> np.ndarray:
    """(rows, columns) of a sparse matrix: `data` lie in the rows `ir`, column by column.

    `jc` says where in them each column begins; a matrix of zeros has neither data nor rows.
    """
    rows = int(np.ravel(group.attrs["MATLAB_sparse"])[0])
    begins = _integers(path, place, group, "jc")
    kind = group.attrs.get("MATLAB_class", b"double")
    zeros = np.zeros(0, np.uint8 if kind == b"logical" else np.float64)
    data = _entries(path, group["data"]) if "data" in group else zeros
    lies = _integers(path, place, group, "ir") if "ir" in group else np.zeros(0, np.int64)
    counts = np.diff(begins)
    is_sound = (
        len(begins) > 1
        and begins[0] == 0
        and begins[-1] == len(lies) == len(data)
        and bool(np.all(counts >= 0))
        and bool(np.all((lies >= 0) & (lies < rows)))
    )
    if not is_sound or data.dtype.kind not in "biuf" or rows < 1:
        raise SceneError(
            f"{path}: the sparse matrix '{place}' is damaged, its indices point outside; copy or "
            "download it again"
        )
    check_declared(path, f"the sparse matrix '{place}'", (rows, len(counts)), data.dtype)
    dense = np.zeros((rows, len(counts)), data.dtype)
    dense[lies, np.repeat(np.arange(len(counts)), counts)] = data
    return dense


def _integers(path: Path, place: str, group: h5py.Group, name: str) -> np.ndarray:
    found = group.get(name)
    if found is None or getattr(found, "dtype", np.dtype(object)).kind not in "iu":
        raise SceneError(f"{path}: the sparse matrix '{place}' has no indices '{name}'")
    return _entries(path, found).astype(np.int64)


def _entries(path: Path, dataset: Any) -> np.ndarray:
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise SceneError(
            f"{path}: a part of a sparse matrix is not an array; copy or download the file again"
        )
    check_storage(path, dataset)
    check_size(path, dataset)
    return np.ravel(dataset[()])
