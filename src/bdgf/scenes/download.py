"""Downloads a scene's public files, and keeps only complete ones with the right digest.

Pooch compares digests and moves a file to its place; what it downloads with is given here, since
its own way begins anew after each interruption.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pooch
import requests
from filelock import FileLock, Timeout

from bdgf.core.digests import file_digest
from bdgf.core.errors import SceneError
from bdgf.core.storage import require_space, writing
from bdgf.scenes.config import Origin

_CONNECT_SECONDS, _READ_SECONDS = 10.0, 60.0  # without an answer, or between two pieces
_PIECE = 2**16  # bytes
_PARTIAL, _WHOLE = 206, 416  # HTTP: a range as asked for; nothing is left of the range
_AGAIN = "the same command resumes"

Progress = Callable[[str, int, int | None], None]
"""Takes a file's name, the bytes of it that are there, and how many it has, None where unknown."""


def fetch_scene(
    scene: str, origin: Origin, folders: Sequence[Path], progress: Progress
) -> tuple[list[Path], Path | None]:
    """Downloads those files of a scene that are not there yet.

    Args:
        scene: The scene's name.
        origin: Addresses and digests of its files.
        folders: Where its files are looked for; the first that can be written takes them.
        progress: Told how far a download is.

    Returns:
        The files that were downloaded, and their folder; None where all were there.

    Raises:
        SceneError: There is no address, the server does not answer or has not got the file, or
            what came is another file; none of it is kept.
        StorageError: The disk refuses.
    """
    if not origin.files:
        page = f"get its files from {origin.url}" if origin.url else "its files have no public page"
        raise SceneError(
            f"{scene}: no direct address of its files is known (`source.files` in its YAML): {page}"
            f" and put them into {folders[0]}"
        )
    missing = [name for name in origin.files if not _is_there(scene, name, origin, folders)]
    if not missing:
        return [], None
    target = _writable(scene, folders)
    with writing(target / missing[0]):
        target.mkdir(parents=True, exist_ok=True)
    return [_fetch(scene, name, origin, target, progress) for name in missing], target


def _is_there(scene: str, name: str, origin: Origin, folders: Sequence[Path]) -> bool:
    path = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if path is None:
        return False
    if file_digest(path) != origin.sha256[name].lower():
        raise SceneError(
            f"{scene}: {path} is there already and is not the published file; move it away to "
            "fetch the published one, or use it as it is"
        )
    return True


def _writable(scene: str, folders: Sequence[Path]) -> Path:
    for folder in folders:
        nearest = next(p for p in (folder, *folder.absolute().parents) if p.exists())
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            return folder
    raise SceneError(
        f"{scene}: none of the folders {', '.join(map(str, folders))} can be written; add one that "
        "can to `ingest.folders`"
    )


def _fetch(scene: str, name: str, origin: Origin, target: Path, progress: Progress) -> Path:
    """One complete published file."""
    with writing(target / name), _alone(scene, name, target):
        download = _Resuming(scene, name, target / f".{name}.part", progress)
        pooch.get_logger().setLevel(logging.WARNING)  # the progress says the rest
        try:
            pooch.retrieve(
                origin.files[name],
                f"sha256:{origin.sha256[name].lower()}",
                fname=name,
                path=target,
                downloader=download,
            )
        except ValueError as error:  # pooch: the digest is another; it has deleted the file
            if not download.done:
                raise
            raise SceneError(
                f"{scene}: what {origin.files[name]} gives as {name} is not the published file "
                "(its sha256 is another) and was not kept; fetch it once more, else the address "
                "or the digest in the scene's YAML is out of date"
            ) from error
    return target / name


@contextmanager
def _alone(scene: str, name: str, target: Path) -> Iterator[None]:
    """Refuses two downloads of one file to one folder at a time."""
    lock = FileLock(target / f".{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SceneError(
            f"{scene}: another process downloads {name} to {target} now; wait for it"
        ) from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)  # nobody waits for it
        lock.release()


class _Resuming:
    """Pooch's downloader, which resumes interrupted downloads."""

    def __init__(self, scene: str, name: str, part: Path, progress: Progress) -> None:
        self._about, self._name, self._part = f"{scene}: {name}", name, part
        self._progress = progress
        self.done = False

    def __call__(self, url: str, output_file: str | IO[bytes], _: Any) -> None:
        """Downloads `url` to a partial file, then moves it to pooch's target.

        Raises:
            SceneError: The server cannot be reached, refuses, or breaks off.
        """
        try:
            self._download(url)
        except requests.RequestException as error:
            kept = self._part.stat().st_size if self._part.exists() else 0
            until = f" after {kept:,} bytes" if kept else ""
            raise SceneError(
                f"{self._about} cannot be downloaded from {url}: {_reason(error)}{until}; look at "
                f"the network and the address; {_AGAIN}"
            ) from error
        self.done = True
        os.replace(self._part, str(output_file))  # pooch's temporary file, in the same folder

    def _download(self, url: str) -> None:
        have = self._part.stat().st_size if self._part.exists() else 0
        # Without compression: a range and a size are those of the file.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        timeout = (_CONNECT_SECONDS, _READ_SECONDS)
        with requests.get(url, headers=headers, stream=True, timeout=timeout) as answer:
            if have and answer.status_code == _WHOLE:
                if answer.headers.get("Content-Range", "").endswith(f"/{have}"):
                    return  # all was there but the last step
                self._part.unlink()  # of another file
                self._download(url)
                return
            answer.raise_for_status()
            if answer.status_code != _PARTIAL:
                have = 0  # a server without ranges sends all
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length and length.isdecimal() else None
            if total is not None:
                require_space(self._part, total - have)
            with self._part.open("ab" if have else "wb") as file:
                self._progress(self._name, have, total)
                for piece in answer.iter_content(_PIECE):
                    have += file.write(piece)
                    self._progress(self._name, have, total)
        if total is not None and have < total:
            raise requests.ConnectionError("the connection broke off")


def _reason(error: requests.RequestException) -> str:
    answer = error.response
    if answer is not None:
        return f"the server answers {answer.status_code} ({answer.reason})"
    if isinstance(error, requests.Timeout):
        return "the server does not answer in time"
    text = str(error)
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "broke" in text:
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "the server cannot be reached"
    return " ".join(text.split())[:200]
