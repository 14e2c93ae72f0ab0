"""Damage to a file: of its bytes, and of what its structure protects by checksums or packing."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator

_EXTREMES = (0, 1, -1, 2, 7, 127, 128, 255, 2**15 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 10**9,
             2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip
_WORDS = ("-1", "0", "1e308", "1e-310", "5e-324", "nan", "inf", "99999999999999999999", "1e999",
          "../../x", "/etc/passwd", "", "null", "[]", "{}", '"', "true", "\\", "é", "2147483648",
          "http://127.0.0.1:9/x", "&a", "*a", "!!python/name:os.system", "${x}", "4294967295",
          )  # fmt: skip
_HEAD = 1024  # bytes in which most formats have what describes the rest
_MAT_HEADER, _MAT_PACKED = 128, 15


def mutate(content: bytes, name: str, rng: Rng) -> bytes:
    """A damaged copy.

    Args:
        content: The sound file.
        name: Its name, whose suffix says what may be unpacked and packed again.
        rng: Decides everything.
    """
    inside = _INSIDE.get(name.rpartition(".")[2].lower())
    damaged = content
    if inside is not None and rng.random() < 0.6:
        try:
            damaged = inside(content, rng)
        except (ValueError, KeyError, struct.error, zlib.error, zipfile.BadZipFile):
            damaged = content
    if damaged == content:
        damaged = _damage(content, rng)
    return damaged


def _damage(content: bytes, rng: Rng) -> bytes:
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        content = _KINDS[int(rng.integers(len(_KINDS)))](content, rng)
    return content


def _place(size: int, rng: Rng) -> int:
    """A place in the file, half of the time in its head."""
    most = min(size, _HEAD) if rng.random() < 0.5 else size
    return int(rng.integers(max(1, most)))


def _flip(content: bytes, rng: Rng) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        if changed:
            changed[_place(len(changed), rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _noise(content: bytes, rng: Rng) -> bytes:
    at, length = _place(len(content), rng), int(rng.integers(1, 17))
    return content[:at] + rng.bytes(length) + content[at + length :]


def _cut(content: bytes, rng: Rng) -> bytes:
    return content[: _place(len(content), rng)]


def _block(content: bytes, rng: Rng) -> bytes:
    """Copies a block over another place, or takes it out, or doubles it."""
    length = int(rng.integers(1, 65))
    of, to = _place(len(content), rng), _place(len(content), rng)
    block = content[of : of + length]
    kept = to + int(rng.choice([length, length, 0]))
    return content[:to] + (block if rng.random() < 0.8 else b"") + content[kept:]


def _zeros(content: bytes, rng: Rng) -> bytes:
    at, length = _place(len(content), rng), int(rng.integers(1, 129))
    return content[:at] + bytes(length) + content[at + length :]


def _extreme(content: bytes, rng: Rng) -> bytes:
    """Sets a whole number of 1, 2, 4 or 8 bytes, of either order, to an extreme."""
    width = int(rng.choice([1, 2, 4, 4, 8]))
    at = _place(len(content), rng) // width * width
    value = int(_EXTREMES[int(rng.integers(len(_EXTREMES)))]) % (1 << 8 * width)
    order = "little" if rng.random() < 0.7 else "big"
    return content[:at] + value.to_bytes(width, order) + content[at + width :]  # type: ignore[arg-type]


def _text(content: bytes, rng: Rng) -> bytes:
    """Puts another word in place of a number or a word, or doubles or drops a line."""
    if rng.random() < 0.3:
        lines = content.split(b"\n")
        at = int(rng.integers(len(lines)))
        lines[at : at + 1] = [lines[at]] * int(rng.choice([0, 2]))
        return b"\n".join(lines)
    tokens = list(re.finditer(rb"[-+.\w]+", content[:1_000_000]))
    if not tokens:
        return content
    token = tokens[int(rng.integers(len(tokens)))]
    word = _WORDS[int(rng.integers(len(_WORDS)))].encode()
    return content[: token.start()] + word + content[token.end() :]


_KINDS: tuple[Callable[[bytes, Rng], bytes], ...] = (
    _flip, _flip, _noise, _cut, _block, _zeros, _extreme, _extreme, _extreme,
)  # fmt: skip


def _in_text(content: bytes, rng: Rng) -> bytes:
    for _ in range(int(rng.integers(1, 4))):
        content = _text(content, rng)
    return content


def _in_zip(content: bytes, rng: Rng) -> bytes:
    """Damages one member, with the checksum of what it then holds."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(entry, archive.read(entry)) for entry in archive.infolist()]
    chosen = int(rng.integers(len(members)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, (entry, data) in enumerate(members):
            if number == chosen:
                is_text = entry.filename.endswith(".json")
                data = _in_text(data, rng) if is_text else _damage(data, rng)
            archive.writestr(entry, data)
    return packed.getvalue()


def _in_mat(content: bytes, rng: Rng) -> bytes:
    """Damages one packed variable of a MATLAB 5 file before it is packed."""
    order = {b"IM": "<", b"MI": ">"}[content[126:128]]
    elements, place = [], _MAT_HEADER
    while place + 8 <= len(content):
        kind, count = struct.unpack_from(order + "II", content, place)
        elements.append((kind, content[place + 8 : place + 8 + count]))
        place += 8 + count
    packed = [i for i, (kind, _) in enumerate(elements) if kind == _MAT_PACKED]
    if not packed:
        return content
    chosen = packed[int(rng.integers(len(packed)))]
    data = _damage(zlib.decompress(elements[chosen][1]), rng)
    elements[chosen] = (_MAT_PACKED, zlib.compress(data))
    parts = [struct.pack(order + "II", kind, len(data)) + data for kind, data in elements]
    return content[:_MAT_HEADER] + b"".join(parts)


def _in_png(content: bytes, rng: Rng) -> bytes:
    """Damages one chunk, with its checksum."""
    chunks, place = [], 8
    while place + 12 <= len(content):
        (count,) = struct.unpack_from(">I", content, place)
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + count]))
        place += 12 + count
    chosen = int(rng.integers(len(chunks)))
    chunks[chosen] = (chunks[chosen][0], _damage(chunks[chosen][1], rng))
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return content[:8] + b"".join(parts)


def _in_safetensors(content: bytes, rng: Rng) -> bytes:
    """Damages the JSON at the start, with its right length."""
    (length,) = struct.unpack_from("<Q", content)
    header = _in_text(content[8 : 8 + length], rng)
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


def _in_json(content: bytes, rng: Rng) -> bytes:
    """Changes one value of the tree, so that it stays JSON; or the text."""
    if rng.random() < 0.4:
        return _in_text(content, rng)
    tree = json.loads(content)
    node = tree
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return _in_text(content, rng)
        key = keys[int(rng.integers(len(keys)))]
        if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.8:
            node = node[key]
            continue
        if rng.random() < 0.2:
            del node[key]
        else:
            node[key] = _VALUES[int(rng.integers(len(_VALUES)))]
        return json.dumps(tree).encode()


_VALUES: tuple[Any, ...] = (
    None, 0, -1, 1, 1e308, 1e-310, float("nan"), 10**30, "", "x", "../../x", [], {},
    True, [1, 2, 3], {"a": 1}, 65536, 2.5,
)  # fmt: skip
_INSIDE: dict[str, Callable[[bytes, Rng], bytes]] = {
    **dict.fromkeys(("npz", "ckpt", "skops"), _in_zip),
    **dict.fromkeys(("vrt", "hdr", "txt", "csv", "yml", "xml"), _in_text),
    **dict.fromkeys(("json", "zarray", "zattrs", "zgroup"), _in_json),
    "mat": _in_mat,
    "png": _in_png,
    "safetensors": _in_safetensors,
}
