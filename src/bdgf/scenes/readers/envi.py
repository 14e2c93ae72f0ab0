"""ENVI images: matching headers and data files, and the band metadata of a header."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from bdgf.core.errors import SceneError

# Suffixes of ENVI data in the order in which they are looked for; "" is a file without one.
DATA_SUFFIXES = ("", ".dat", ".img", ".bsq", ".bil", ".bip", ".raw", ".bin")

# Bytes of a number by its `data type`.
_ITEM_SIZES = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 9: 16, 12: 2, 13: 4, 14: 8, 15: 8}

Header = Mapping[str, str]


def find_header(data: Path) -> Path | None:
    """The ENVI header beside a data file, in any case: `cube.img.hdr` or `cube.hdr`."""
    wanted = [f"{name}.hdr".lower() for name in (data.name, data.stem)]
    beside = {path.name.lower(): path for path in _files_beside(data)}
    for name in wanted:
        if name in beside and _is_header(beside[name]):
            return beside[name]
    return None


def find_data(header: Path) -> Path:
    """The data file of an ENVI header, in any case.

    Of several with usual names the first is taken whose size fits the header; a file of another
    name must fit.

    Raises:
        SceneError: There is none.
    """
    names = [header.stem + suffix for suffix in DATA_SUFFIXES]
    beside = [path for path in _files_beside(header) if path.name.lower() != header.name.lower()]
    by_name = {path.name.lower(): path for path in beside}
    by_name |= {path.name.lower(): path for path in beside if path.name in names}  # exact case
    usual = [by_name[name.lower()] for name in names if name.lower() in by_name]
    size = _size_told(read_header(header))
    others = [path for path in beside if path.stem.lower() == header.stem.lower()]
    fitting = [path for path in (*usual, *others) if path.stat().st_size == size]
    if not (usual or fitting):
        raise SceneError(
            f"{header} is an ENVI header without its data; looked for {', '.join(names)} beside it"
        )
    return (fitting or usual)[0]


def read_header(path: Path) -> dict[str, str]:
    """The fields of a header: names in lower case with single spaces, values as text.

    GDAL gives them too, but fails on any that is not UTF-8 and keeps the case of the names.
    """
    fields: dict[str, str] = {}
    open_name = ""  # of a value in braces that goes on over several lines
    for line in decode(path.read_bytes()).splitlines():
        if open_name:
            fields[open_name] += " " + line.strip()
            open_name = "" if "}" in line else open_name
            continue
        name, equals, value = line.partition("=")
        if not equals or line.lstrip().startswith(";"):
            continue
        name, value = field_name(name), value.strip()
        fields[name] = value
        if value.startswith("{") and "}" not in value:
            open_name = name
    return fields


def field_name(name: str) -> str:
    """A field's name as `read_header` gives it; GDAL joins its words with "_"."""
    return " ".join(name.lower().replace("_", " ").split())


def decode(content: bytes) -> str:
    """Text in UTF-8, UTF-16 with its mark, or else the code page of Windows in western Europe."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")  # any byte is a character


def texts(value: str) -> list[str]:
    """The parts of a list in braces, without the commas."""
    inside = value.strip().strip("{}").strip()
    return [part.strip() for part in inside.split(",")] if inside else []


def numbers(value: str) -> list[float] | None:
    """The numbers of a list, parted by commas or spaces; None where one is no number."""
    parts = re.split(r"[,\s]+", value.strip().strip("{}").strip().rstrip(","))
    try:
        return [float(part) for part in parts if part]
    except ValueError:
        return None


def check_size(path: Path, header: Header) -> tuple[str, ...]:
    """Compares a data file with its header; returns a doubt where the file holds more.

    GDAL reads what is missing at the end as zeros; better to say so.

    Raises:
        SceneError: The file is cut short, or has gaps that GDAL does not skip.
    """
    for name in ("major frame offsets", "minor frame offsets"):
        if any(numbers(header.get(name, "")) or ()):
            raise SceneError(
                f"{path}: its ENVI header has `{name}`, which are not read; save the image again "
                "as ENVI Standard without them"
            )
    found, needed = path.stat().st_size, _size_told(header)
    if needed is None or found == needed:
        return ()
    if found < needed:
        raise SceneError(
            f"{path} is cut short: {found} bytes of {needed}; copy or download it again"
        )
    return (
        f"{found} bytes, but its ENVI header describes {needed}; check samples, lines, "
        "bands, data type and header offset",
    )


def _size_told(header: Header) -> int | None:
    """Bytes of the data file, None where they are compressed or the header is no ENVI one."""
    if _number(header, "file compression") == 1:
        return None
    item = _ITEM_SIZES.get(_number(header, "data type") or 1, 0)
    sizes = [_number(header, name) or 0 for name in ("samples", "lines")]
    bands = _number(header, "bands")
    told = math.prod(sizes) * (1 if bands is None else bands) * item
    return told + (_number(header, "header offset") or 0) if told else None


def _number(header: Header, name: str) -> int | None:
    values = numbers(header.get(name, ""))
    return int(values[0]) if values else None


def refusal_of_raw(path: Path) -> SceneError:
    """The message for a raw binary file without a header."""
    return SceneError(
        f"{path} seems to be raw numbers without an ENVI header that says their size and type; "
        f"write {path.stem}.hdr next to it: a line ENVI, then lines such as samples = 340, lines = "
        "610, bands = 103, header offset = 0, data type = 12 (uint16; 4: float32), interleave = "
        "bsq, byte order = 0"
    )


def _files_beside(path: Path) -> list[Path]:
    if not path.parent.is_dir():
        return []
    return sorted(other for other in path.parent.iterdir() if other.is_file())


def _is_header(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16).removeprefix(b"\xef\xbb\xbf").lstrip().upper().startswith(b"ENVI")
