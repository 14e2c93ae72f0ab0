"""Writes MATLAB 7.3 files as MATLAB does: reversed axes, references for cells and structs."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

_HEADER = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024 HDF5"


class StructArray(list):
    """A 1 x n array of structs with the same fields, each a dictionary."""


def write_matlab_v73(path: Path, variables: dict[str, Any]) -> None:
    """Arrays, dictionaries (structs), lists (1 x n cells) and `StructArray`s, nested at will."""
    with h5py.File(path, "w", userblock_size=512) as file:
        references = file.create_group("#refs#")
        for name, value in variables.items():
            _write(file, name, value, references)
    with path.open("r+b") as raw:
        raw.write(_HEADER.ljust(124) + b"\x00\x02IM")


def _write(parent: h5py.Group, name: str, value: Any, references: h5py.Group) -> None:
    if isinstance(value, StructArray):
        group = parent.create_group(name)
        for field in value[0]:
            _write_references(group, field, [v[field] for v in value], references, "struct")
    elif isinstance(value, dict):
        group = parent.create_group(name)
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        for field, inner in value.items():
            _write(group, field, inner, references)
    elif isinstance(value, list):
        _write_references(parent, name, value, references, "cell")
    elif isinstance(value, str):
        text = np.array([[ord(c)] for c in value], np.uint16)
        parent.create_dataset(name, data=text).attrs["MATLAB_class"] = np.bytes_("char")
    else:
        parent.create_dataset(name, data=np.asarray(value).T)


def _write_references(
    parent: h5py.Group, name: str, values: list[Any], references: h5py.Group, kind: str
) -> None:
    dataset = parent.create_dataset(name, (len(values), 1), dtype=h5py.ref_dtype)
    dataset.attrs["MATLAB_class"] = np.bytes_(kind)
    for i, value in enumerate(values):
        key = f"r{len(references)}"
        _write(references, key, value, references)
        dataset[i, 0] = references[key].ref
