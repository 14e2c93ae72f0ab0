"""What a Zarr store says of its arrays, checked before any library acts on it.

A codec's name may stand for any code, such as for unpickling. Only those of numbers and text are
let through. Consolidated metadata are a second copy of the same, and are not read.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.references import shortened
from bdgf.scenes.readers.zarr_folder import StoreFolder

_V3, _ARRAY, _GROUP, _ATTRIBUTES = "zarr.json", ".zarray", ".zgroup", ".zattrs"
METADATA = (_V3, _ARRAY, _GROUP, _ATTRIBUTES)
"""Names of the files of metadata."""

_MOST_BYTES = 16 << 20  # of a file of metadata
_MOST_NODES = 20_000  # arrays and groups
_V2_NUMBERS = re.compile(r"[<>|=]?[biufc]\d{1,2}")
_V2_TEXT = re.compile(r"[<>|=]?U\d{1,6}")
_V2_OBJECTS = "|O"
_V3_NUMBERS = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)|complex(64|128)")
_V3_TEXT = ("string", "fixed_length_utf32")
_TEXT_CODEC = "vlen-utf8"
# The codecs that only turn bytes and numbers into others.
_CODECS = frozenset((
    "bytes", "transpose", "sharding_indexed", "endian", _TEXT_CODEC, "blosc", "gzip", "zlib",
    "bz2", "lzma", "lz4", "zstd", "crc32", "crc32c", "adler32", "fletcher32", "jenkins_lookup3",
    "delta", "fixedscaleoffset", "quantize", "bitround", "packbits", "shuffle", "astype",
))  # fmt: skip
_DTYPES = ("dtype", "astype", "encode_dtype", "decode_dtype")  # of codecs, which may say "objects"
_OF_ARRAYS = "save the image as an array of numbers"


@dataclass(frozen=True)
class Node:
    """An array or a group of a store.

    Attributes:
        place: Its path in the store, "" for the root.
        version: Of the format.
        is_array: Whether it is an array.
        document: Its metadata as they lie in the file.
    """

    place: str
    version: Literal[2, 3]
    is_array: bool
    document: Mapping[str, Any]


def find_nodes(folder: StoreFolder) -> Iterator[Node]:
    """All groups and arrays, those nearest to the root first.

    Raises:
        SceneError: It is no store, its metadata cannot be read, or something leads outside.
    """
    waiting, seen = deque([""]), set()
    while waiting:
        place = waiting.popleft()
        real = folder.place(place)
        if real in seen:
            continue
        seen.add(real)
        if len(seen) > _MOST_NODES:
            raise SceneError(f"{folder.path}: it has more than {_MOST_NODES} groups and arrays")
        node = _node(folder, place)
        if node is None and not place:
            raise SceneError(
                f"{folder.path} is no Zarr store: it holds none of {_V3}, {_GROUP} and {_ARRAY}; "
                "copy it again, with the files whose names begin with a dot"
            )
        if node is None:
            continue
        yield node
        if not node.is_array:
            waiting += [f"{place}/{name}".lstrip("/") for name in folder.folders(place)]


def refusal(node: Node) -> str | None:
    """Why an array is not read, in words behind "it"; None if it is."""
    reason = _v2_refusal(node.document) if node.version == 2 else _v3_refusal(node.document)
    return None if reason is None else shortened(reason)


def _node(folder: StoreFolder, place: str) -> Node | None:
    document = _read(folder, place, _V3)
    if document is not None:
        return Node(place, 3, document.get("node_type") == "array", document)
    document = _read(folder, place, _ARRAY)
    if document is not None:
        return Node(place, 2, True, document)
    document = _read(folder, place, _GROUP)
    return None if document is None else Node(place, 2, False, document)


def _read(folder: StoreFolder, place: str, name: str) -> dict[str, Any] | None:
    key = f"{place}/{name}".lstrip("/")
    file = folder.file(key)
    if file is None:
        return None
    return _parsed(folder.path, key, file)


def _parsed(path: Path, key: str, file: Path) -> dict[str, Any]:
    mended = "it is damaged: copy or download the store again"
    if file.stat().st_size > _MOST_BYTES:
        raise SceneError(f"{path}: its {shortened(key)} is larger than any metadata; {mended}")
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        said = shortened(" ".join(str(error).split()))
        raise SceneError(f"{path}: its {shortened(key)} is no JSON ({said}); {mended}") from error
    if not isinstance(document, dict):
        raise SceneError(f"{path}: its {shortened(key)} describes nothing; {mended}")
    return document


def _v2_refusal(document: Mapping[str, Any]) -> str | None:
    dtype, filters = document.get("dtype"), document.get("filters") or []
    compressor = document.get("compressor")
    codecs = [*(filters if isinstance(filters, list) else [filters])]
    codecs += [] if compressor is None else [compressor]
    if isinstance(dtype, list):
        return f"holds records, not numbers; {_OF_ARRAYS}"
    text = str(dtype)
    names = [codec.get("id") if isinstance(codec, dict) else codec for codec in codecs]
    if text == _V2_OBJECTS and _TEXT_CODEC not in names:
        listed = ", ".join(map(str, names)) or "none"
        return f"holds Python objects (codecs: {listed}), which are not read; {_OF_ARRAYS}"
    if text != _V2_OBJECTS and not (_V2_NUMBERS.fullmatch(text) or _V2_TEXT.fullmatch(text)):
        return f"holds '{text}', not numbers; {_OF_ARRAYS}"
    return _codec_refusal([(name, codec) for name, codec in zip(names, codecs, strict=True)])


def _v3_refusal(document: Mapping[str, Any]) -> str | None:
    kind = _name(document.get("data_type"))
    if not (_V3_NUMBERS.fullmatch(kind) or kind in _V3_TEXT):
        return f"holds '{kind}', not numbers; {_OF_ARRAYS}"
    if _name(document.get("chunk_grid")) != "regular":
        return "lies in chunks of several sizes, which is not read; write it in equal chunks"
    if _name(document.get("chunk_key_encoding")) not in ("default", "v2"):
        return "names its chunks in a way that is not known"
    if document.get("storage_transformers"):
        return "has storage transformers, which are not read"
    return _codec_refusal(_v3_codecs(document.get("codecs")))


def _v3_codecs(listed: Any) -> list[tuple[Any, Any]]:
    """Name and configuration of the codecs, those within shards included."""
    found: list[tuple[Any, Any]] = []
    waiting = [listed]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
            continue
        configuration = one.get("configuration") if isinstance(one, dict) else None
        found.append((_name(one).removeprefix("numcodecs."), configuration))
        if isinstance(configuration, dict):
            inner = (configuration.get(key) for key in ("codecs", "index_codecs"))
            waiting += [codecs for codecs in inner if codecs is not None]
    return found


def _codec_refusal(codecs: list[tuple[Any, Any]]) -> str | None:
    for name, configuration in codecs:
        if name not in _CODECS:
            return f"is packed by '{name}', which is not read; write it with zstd, blosc or gzip"
        settings = configuration if isinstance(configuration, dict) else {}
        for key in _DTYPES:
            said = str(settings.get(key, "<f4"))
            if not (_V2_NUMBERS.fullmatch(said) or _V3_NUMBERS.fullmatch(said)):
                return f"is packed by '{name}' of '{said}', which is not read; {_OF_ARRAYS}"
    return None


def _name(described: Any) -> str:
    """The name of what is given by its name alone, or with a configuration."""
    return str(described.get("name") if isinstance(described, dict) else described)
