"""Where a scene's files are looked for: local folders, and copies of what object storage holds."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock

from bdgf.core.errors import SceneError, SettingsError
from bdgf.core.locations import is_remote
from bdgf.core.storage import writing, written_whole
from bdgf.scenes.config import SceneConfig
from bdgf.scenes.file_search import find_scene_files

log = logging.getLogger(__name__)

_RECORD = ".mirror.json"
"""File beside a copy with the marks of what was copied."""
_MARKS = ("ETag", "etag", "md5", "generation", "LastModified", "last_modified", "mtime", "created")
"""Names that file systems give to what changes with a file; the first that is there counts."""
_REASON_CHARACTERS = 200


def scene_folders(
    name: str, config: SceneConfig, folders: Sequence[str], mirror: str, *, copy: bool = True
) -> list[Path]:
    """The local folders in which a scene's files are looked for, in order.

    An address among `folders` is asked only where those before it have not all of the files. What
    it holds of the scene is copied, and copied anew where it has changed there.

    Args:
        name: The scene's name.
        config: Its configuration.
        folders: Folders and addresses that hold a folder for each scene.
        mirror: Folder of the copies.
        copy: False asks no address: what was copied before counts.

    Raises:
        SettingsError: The package for such addresses is not installed.
        SceneError: The storage refuses.
        StorageError: The local disk refuses.
    """
    found: list[Path] = []
    for folder in folders:
        below = config.folder or name
        if not is_remote(folder):
            found.append(Path(folder) / below)
        elif any(item.is_missing for item in find_scene_files(config, found)):
            address = f"{folder.rstrip('/')}/{below}"
            found.append(Path(mirror) / address.replace("://", "/", 1))
            if copy:
                _copy(address, found[-1])
    return found


def _copy(address: str, target: Path) -> None:
    """Makes a folder hold the files below an address, and no others."""
    files, root = _file_system(address)
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
    with FileLock(target / f"{_RECORD}.lock"):
        try:
            there = files.find(root, detail=True)
        except Exception as error:  # each storage has errors of its own
            raise _refused(address, error) from error
        known = _record(target)
        marks = {_below(path, root, address): _mark(info) for path, info in there.items()}
        for below in known.keys() - marks.keys():
            (target / below).unlink(missing_ok=True)
        kept = {below: mark for below, mark in known.items() if marks.get(below) == mark}
        missing = [b for b in marks if b not in kept or not (target / b).is_file()]
        if missing:
            log.info("copying %d files of %s to %s", len(missing), address, target)
        for below in missing:
            file = target / below
            with written_whole(file, file.with_name(f".{file.name}.part"), marks[below][0]) as part:
                try:
                    files.get_file(f"{root}/{below}", str(part))
                except Exception as error:
                    raise _refused(f"{address}/{below}", error) from error
            kept[below] = marks[below]
            _write_record(target, kept)
        _write_record(target, kept)


def _file_system(address: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        files, root = url_to_fs(address, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        raise SettingsError(
            f"ingest.folders: {address} cannot be read ({_short(error)}); pip install "
            "'.[remote]' brings s3://, other storage needs its package of fsspec"
        ) from error
    except Exception as error:  # wrong or missing credentials
        raise _refused(address, error) from error
    return files, root.rstrip("/")


def _below(path: str, root: str, address: str) -> str:
    below = PurePosixPath(path).relative_to(root)
    if ".." in below.parts:  # object storage allows such names
        raise SceneError(f"{address} holds a file named '{path}', which leads out of its folder")
    return str(below)


def _mark(info: Mapping[str, Any]) -> list[Any]:
    # As JSON gives it back.
    changes = next((str(info[name]) for name in _MARKS if info.get(name) is not None), "")
    return [int(info.get("size") or 0), changes]


def _record(target: Path) -> dict[str, list[Any]]:
    try:
        return dict(json.loads((target / _RECORD).read_bytes()))
    except (OSError, ValueError, TypeError):  # none yet, or damaged: all is copied anew
        return {}


def _write_record(target: Path, marks: Mapping[str, list[Any]]) -> None:
    file = target / _RECORD
    with written_whole(file, target / f"{_RECORD}.part") as part:
        part.write_text(json.dumps(marks, indent=1) + "\n", encoding="utf-8")


def _refused(address: str, error: Exception) -> SceneError:
    return SceneError(
        f"cannot read {address}: {_short(error)}; check the address, the network and the "
        "storage's credentials"
    )


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:_REASON_CHARACTERS] or type(error).__name__
