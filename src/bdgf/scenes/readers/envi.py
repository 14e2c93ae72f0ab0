"""ENVI images: which header belongs to which data, and what a header says of the bands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bdgf.core.errors import SceneError

# Suffixes of ENVI data in the order in which they are looked for; "" is a file without one.
DATA_SUFFIXES = ("", ".dat", ".img", ".bsq", ".bil", ".bip", ".raw", ".bin")

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

    Raises:
        SceneError: There is none, or several and no usual name among them.
    """
    names = [header.stem + suffix for suffix in DATA_SUFFIXES]
    beside = {path.name.lower(): path for path in _files_beside(header)}
    for name in names:
        exact = header.with_name(name)  # before others that differ in case
        found = exact if exact.is_file() else beside.get(name.lower())
        if found is not None:
            return found
    looked = f"looked for {', '.join(names)} beside it"
    raise SceneError(f"{header} is an ENVI header without its data; {looked}")


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
    """Text in UTF-8, or else in the code page of Windows in western Europe."""
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


def check_size(path: Path, header: Header, pixels: int, itemsize: int) -> tuple[str, ...]:
    """Compares a data file with its header; returns a doubt where the file holds more.

    GDAL reads what is missing at the end as zeros; better to say so.

    Args:
        path: The data file.
        header: Its header's fields.
        pixels: Numbers in all bands.
        itemsize: Bytes of each.

    Raises:
        SceneError: The file is cut short, or has gaps that GDAL does not skip.
    """
    for name in ("major frame offsets", "minor frame offsets"):
        if any(numbers(header.get(name, "")) or ()):
            raise SceneError(
                f"{path}: its ENVI header has `{name}`, which are not read; save the image again "
                "as ENVI Standard without them"
            )
    if (numbers(header.get("file compression", "0")) or [0.0])[0] == 1:
        return ()
    skipped = int((numbers(header.get("header offset", "0")) or [0.0])[0])
    found, needed = path.stat().st_size, skipped + pixels * itemsize
    if found < needed:
        raise SceneError(
            f"{path} is cut short: {found} bytes of {needed}; copy or download it again"
        )
    if found == needed:
        return ()
    return (
        f"holds {found} bytes, but its ENVI header describes {needed}; check samples, lines, "
        "bands, data type and header offset",
    )


def refusal_of_raw(path: Path) -> SceneError:
    """What to say of a raw binary file without a header."""
    return SceneError(
        f"{path} seems to be raw numbers without an ENVI header that says their size and type; "
        f"write {path.stem}.hdr beside it: a line ENVI, then lines such as samples = 340, lines = "
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
