"""Arrays of a Zarr store as variables of xarray, whose numbers are read when they are asked for.

This module needs the package zarr; `zarr_store` imports it when it reads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from xarray.backends import BackendArray
from xarray.backends.zarr import FillValueCoder
from xarray.core import indexing
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.reading_limits import check_declared
from bdgf.scenes.readers.references import shortened
from bdgf.scenes.readers.zarr_folder import StoreFolder
from bdgf.scenes.readers.zarr_metadata import METADATA, Node

_V2_DIMENSIONS = "_ARRAY_DIMENSIONS"  # xarray's, which others write too
_FILL = "_FillValue"
_CRS = "_CRS"  # GDAL's
_MAPPING = "grid_mapping"


class ConfinedStore(Store):
    """A store that only reads, and only files in its folder.

    Attributes:
        absent: Keys of chunks that were asked for and have no file.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = False

    def __init__(self, folder: StoreFolder) -> None:
        """Reads nothing yet."""
        super().__init__(read_only=True)
        self._folder = folder
        self.absent: set[str] = set()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConfinedStore) and other._folder == self._folder

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """The content of a key, or a part of it; None where there is none."""
        file = self._folder.file(key)
        if file is None:
            if key.rpartition("/")[2] not in METADATA:
                self.absent.add(key)
            return None
        return prototype.buffer.from_bytes(_read(file, byte_range))

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """The contents of several keys, or parts of them."""
        return [await self.get(key, prototype, part) for key, part in key_ranges]

    async def exists(self, key: str) -> bool:
        """Whether a key is there."""
        return self._folder.file(key) is not None

    async def set(self, key: str, value: Buffer) -> None:
        """Refuses."""
        raise NotImplementedError

    async def delete(self, key: str) -> None:
        """Refuses."""
        raise NotImplementedError

    def list(self) -> AsyncIterator[str]:
        """Refuses: what a store holds is found by `zarr_metadata`."""
        raise NotImplementedError

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Refuses."""
        raise NotImplementedError

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Refuses."""
        raise NotImplementedError


def variables_of(
    path: Path, store: ConfinedStore, nodes: Iterable[tuple[str, Node]]
) -> dict[str, xr.Variable]:
    """The variables of a group by name, and the grid mappings that GDAL describes in attributes.

    Args:
        path: The store's folder, for messages.
        store: The store.
        nodes: Name and node of each array that may be read.

    Raises:
        SceneError: An array's name is not one of Zarr.
    """
    found: dict[str, xr.Variable] = {}
    for name, node in nodes:
        array = zarr.open_array(store=store, path=node.place, mode="r", zarr_format=node.version)
        if array.path != node.place:  # zarr takes "a\\b" for "a/b", which was not checked
            raise SceneError(
                f"{path}: its array '{shortened(node.place)}' has a name that Zarr does not know; "
                "rename its folder"
            )
        stored = _StoredArray(path, f"its variable '{name}'", array)
        dims = _dimensions(node, array.attrs.asdict(), array.ndim)
        attributes = _attributes(name, node, dims, array)
        wkt = _gdal_crs(array.attrs.asdict())
        if wkt is not None and _MAPPING not in attributes:
            attributes[_MAPPING] = f"{name}{_CRS}"
            found[f"{name}{_CRS}"] = xr.Variable((), 0, {"crs_wkt": wkt})
        found[name] = xr.Variable(
            dims,
            indexing.LazilyIndexedArray(stored),
            attributes,
            {"chunksizes": array.chunks},
        )
    return found


class _StoredArray(BackendArray):
    """The numbers of an array; no part that is more than the limit is read."""

    def __init__(self, path: Path, what: str, array: zarr.Array) -> None:
        self._path, self._what, self._array = path, what, array
        self.shape = array.shape
        is_text = array.dtype.kind == "T"
        self.dtype = np.dtype(object) if is_text else array.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        support = indexing.IndexingSupport.BASIC
        return np.asarray(indexing.explicit_indexing_adapter(key, self.shape, support, self._read))

    def _read(self, key: tuple[int | slice, ...]) -> np.ndarray:
        sizes = [
            len(range(*part.indices(size))) if isinstance(part, slice) else 1
            for part, size in zip(key, self.shape, strict=True)
        ]
        check_declared(self._path, self._what, sizes, self.dtype)
        stored_together = self._array.chunks
        if self._array.shards is not None and tuple(sizes) == self.shape:
            stored_together = self._array.shards
        about = f"a chunk of {self._what}"
        check_declared(self._path, about, stored_together, self.dtype)
        return np.asarray(self._array[key], self.dtype)


def _read(file: Path, part: ByteRequest | None) -> bytes:
    with file.open("rb") as opened:
        if isinstance(part, RangeByteRequest):
            opened.seek(part.start)
            return opened.read(max(part.end - part.start, 0))
        if isinstance(part, OffsetByteRequest):
            opened.seek(part.offset)
        elif isinstance(part, SuffixByteRequest):
            opened.seek(max(file.stat().st_size - part.suffix, 0))
        return opened.read()


def _dimensions(node: Node, attributes: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """The names of the axes; numbers in xarray's way where not each has one of its own."""
    told = (
        attributes.get(_V2_DIMENSIONS)
        if node.version == 2
        else node.document.get("dimension_names")
    )
    names = tuple(told) if isinstance(told, list) else ()
    if len(names) == count == len(set(map(str, names))) and all(
        isinstance(name, str) and name for name in names
    ):
        return names
    return tuple(f"dim_{i}" for i in range(count))


def _attributes(name: str, node: Node, dims: tuple[str, ...], array: zarr.Array) -> dict[str, Any]:
    """Attributes as a NetCDF file has them: numbers, texts and lists of such."""
    found = {
        key: value
        for key, value in array.attrs.asdict().items()
        if key != _V2_DIMENSIONS and _is_plain(value)
    }
    # As xarray understands it: version 2 keeps CF's fill value in its own, which version 3 always
    # has. No coordinate lacks values.
    if node.version == 2 and array.fill_value is not None and dims != (name,):
        found[_FILL] = array.fill_value
    if node.version == 3 and _FILL in found:
        found[_FILL] = _decoded(found[_FILL], array.dtype)
    return found


def _is_plain(value: Any) -> bool:
    one = (str, int, float, bool)
    return isinstance(value, one) or (
        isinstance(value, list) and all(isinstance(item, one) for item in value)
    )


def _decoded(value: Any, dtype: np.dtype) -> Any:
    """A fill value as xarray writes it into version 3, or as others do."""
    try:
        return FillValueCoder.decode(value, dtype)
    except Exception:  # a plain number or a word, such as NaN
        return value


def _gdal_crs(attributes: Mapping[str, Any]) -> str | None:
    said = attributes.get(_CRS)
    wkt = said.get("wkt") if isinstance(said, dict) else None
    return wkt if isinstance(wkt, str) else None
