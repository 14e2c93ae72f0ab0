"""Zarr stores of version 2 and 3 in a folder, with the numbers as stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.cf_variable import find_map, read_cf_variable
from bdgf.scenes.readers.chunk_windows import asked_for
from bdgf.scenes.readers.netcdf_groups import Groups
from bdgf.scenes.readers.raw_array import RawArray, VariableError
from bdgf.scenes.readers.variable_path import dotted
from bdgf.scenes.readers.zarr_folder import StoreFolder
from bdgf.scenes.readers.zarr_metadata import Node, find_nodes, refusal


def read_zarr(path: Path, variable: str | None) -> RawArray:
    """Reads one array; groups are separated by "." or "/".

    Raises:
        VariableError: The array is not there or is no map of numbers.
        WindowsError: A window was asked for of what can only be read whole.
        SceneError: The package zarr is missing, it is no store, or it is damaged.
    """
    if not path.is_dir():
        raise SceneError(f"{path} is no folder, unlike a Zarr store; unpack it")
    arrays = _zarr_arrays(path)
    folder = StoreFolder(path)
    groups: dict[str, list[tuple[str, Node]]] = {}
    chunks: dict[str, str] = {}
    refused: dict[str, str] = {}
    for node in find_nodes(folder):
        place = node.place or path.stem  # a store may be an array itself
        group, _, name = place.rpartition("/")
        if not node.is_array:
            continue
        if (reason := refusal(node)) is not None:
            refused[place] = reason
        else:
            groups.setdefault(group, []).append((name, node))
            chunks[place] = f"{node.place}/".lstrip("/")
    store = arrays.ConfinedStore(folder)
    found = Groups(
        {group: arrays.variables_of(path, store, nodes) for group, nodes in groups.items()}
    )
    try:
        place = find_map(path, found, variable)
    except VariableError as error:
        if variable is None and found.maps():
            raise
        raise _refused(path, variable, refused) or error from None
    array = read_cf_variable(path, found, place)
    lacking = sum(key.startswith(chunks[place]) for key in store.absent)
    if lacking and not asked_for():
        note = f"{lacking} of its chunks have no file and hold its fill value"
        array = replace(array, notes=(*array.notes, note))
    return array


def _zarr_arrays(path: Path) -> Any:
    try:
        from bdgf.scenes.readers import zarr_arrays
    except ImportError as error:
        raise SceneError(
            f"{path} is a Zarr store, which needs the package zarr; install it: "
            "pip install 'bdgf[zarr]'"
        ) from error
    return zarr_arrays


def _refused(path: Path, asked: str | None, refused: dict[str, str]) -> VariableError | None:
    """The error for an array that is there but not read: the one asked for, or the only one."""
    for place, reason in refused.items():
        if asked is None or dotted(place) == dotted(asked):
            return VariableError(f"{path}: '{dotted(place)}' {reason}")
    return None
