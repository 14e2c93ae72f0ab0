"""Digests of files: a small file beside each artifact, checked before anything else reads it.

`net.safetensors.sha256` has the SHA-256 of every file of the artifact, one per line, in the format
of the command `sha256sum`, which can check it too. It is the same for every format: damage is found
before a parser sees it, and files of two versions are never taken for one artifact.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bdgf.core.storage import written_whole

log = logging.getLogger(__name__)

_SUFFIX = ".sha256"
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\\\0\n]+)")

_checking = True


class DigestError(ValueError):
    """A file is not the one that was written; the message is the reason alone."""


def check_at_load(wanted: bool) -> None:
    """Sets for the whole process whether `check_digests` looks at files; at first it does."""
    global _checking
    _checking = wanted


def digest_path(path: Path) -> Path:
    """The file of digests of the main file `path`."""
    return path.with_name(path.name + _SUFFIX)


def file_digest(path: Path) -> str:
    """SHA-256 of a file: 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_digests(path: Path, digests: Mapping[str, str]) -> None:
    """Writes the digests of an artifact, completely or not at all.

    Args:
        path: The artifact's main file, which need not be there yet.
        digests: Name -> `file_digest` of each file of the artifact, that one first.

    Raises:
        StorageError: The disk refuses.
    """
    target = digest_path(path)
    with written_whole(target, target.with_name(target.name + ".part")) as partial:
        partial.write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))


def read_digests(path: Path) -> dict[str, str] | None:
    """What was written for the main file `path`; None where nothing was.

    Raises:
        DigestError: It cannot be read.
    """
    source = digest_path(path)
    try:
        text = source.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise DigestError(f"{source.name} is damaged") from error
    lines = [_LINE.fullmatch(line) for line in text.split("\n")[:-1]]
    found = {line[2]: line[1] for line in lines if line}
    if not text.endswith("\n") or len(found) != len(lines):
        raise DigestError(f"{source.name} is damaged")
    return found


def check_digests(files: Sequence[Path], required: bool = False) -> None:
    """Compares all files of an artifact with their digests.

    Args:
        files: All files of the artifact in one folder, the main file first.
        required: Whether an artifact without digests is refused: damage that nobody notices can
            crash HDF5 or keep it busy forever. Else it passes: it was written elsewhere.

    Raises:
        DigestError: A file is missing, or is another than the one that was written.
    """
    main = files[0]
    if not _checking:
        return
    digests = read_digests(main)
    if digests is None and required:
        raise DigestError(f"{digest_path(main).name} is missing, so that damage would not show")
    if digests is None:
        log.debug("%s has no digest and is read unchecked", main)
        return
    for name in dict.fromkeys([*(file.name for file in files), *digests]):
        if name not in digests:
            raise DigestError(f"{digest_path(main).name} does not name {name}")
        try:
            found = file_digest(main.with_name(name))
        except FileNotFoundError as error:
            raise DigestError(f"{name} is missing") from error
        if found != digests[name]:
            raise DigestError(f"{name} is not as it was written, says {digest_path(main).name}")
