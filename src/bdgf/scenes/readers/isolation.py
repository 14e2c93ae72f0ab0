"""Reads a raw file in a separate process, so that a crash does not end the run.

GDAL, HDF5 and SciPy's reader of MATLAB files are written in C, and a damaged file can crash them,
make them hang or use all memory. One server process imports them once and forks
a child for each file (`isolation_server`); it ends by itself when it has nothing to do.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.array_transfer import TransferError, read_header, read_written
from bdgf.scenes.readers.raw_array import RawArray, VariableError, WindowsError
from bdgf.scenes.readers.reading_limits import ReadingLimits, ReadingSettings, reading_limits
from bdgf.scenes.readers.registry import read_array
from bdgf.scenes.readers.vector_files import read_vectors
from bdgf.scenes.readers.vector_transfer import read_written_vectors
from bdgf.scenes.readers.vectors import VectorQuery, Vectors

_SERVER = "bdgf.scenes.readers.isolation_server"
_ERRORS = {"VariableError": VariableError, "SceneError": SceneError, "WindowsError": WindowsError}
_MENDED = "copy or download it again"
# Where HDF5 is told to look for other files, in place of the folder of the first one.
_REDIRECTIONS = ("HDF5_EXT_PREFIX", "HDF5_VDS_PREFIX", "HDF5_EXTFILE_PREFIX")

AVAILABLE = hasattr(os, "fork") and hasattr(socket, "send_fds")
"""Whether this system can read in a separate process; Windows cannot."""


# NumPy reads these as plain bytes, and their sizes are told at their start.
_SOUND = (".npy", ".npz")


def read_raw(
    path: Path,
    variable: str | None,
    settings: ReadingSettings,
    folders: Sequence[Path] = (),
    window: tuple[int, int, int, int] | None = None,
) -> RawArray:
    """What `registry.read_array` reads, as carefully as the settings say.

    Args:
        path: The file.
        variable: The array's name, as of `read_array`.
        settings: Limits, and whether a process of its own reads the file.
        folders: The scene's folders; names inside the file lead nowhere else.
        window: The part that is read, see `ReadingLimits`.

    Raises:
        VariableError: The file does not hold the variable.
        WindowsError: A window was asked for of a format that is read whole.
        SceneError: The file is damaged, crashes its reader, or takes more than the limits.
    """
    limits = ReadingLimits.of(settings, folders, window)
    if settings.isolated and AVAILABLE and path.suffix.lower() not in _SOUND:
        return read_isolated(path, variable, limits)
    with reading_limits(limits):
        return read_array(path, variable)


def read_isolated(path: Path, variable: str | None, limits: ReadingLimits) -> RawArray:
    """What `registry.read_array` reads, in a separate process with limits.

    Args:
        path: The file.
        variable: The array's name, as of `read_array`.
        limits: What the reading may take.

    Raises:
        VariableError: The file does not hold the variable.
        SceneError: The file is damaged, crashes its reader, or takes more than the limits.
    """
    request = {"variable": variable}
    with _read_there(path, request, limits) as (result, said):
        return read_written(result, said)


def read_vectors_raw(
    path: Path, query: VectorQuery, settings: ReadingSettings, folders: Sequence[Path] = ()
) -> Vectors:
    """What `vector_files.read_vectors` reads, as carefully as the settings say.

    A table of points is plain text and read here.

    Args:
        path: The file.
        query: Which polygons or points.
        settings: Limits, and whether a process of its own reads the file.
        folders: The scene's folders.

    Raises:
        VariableError: The file does not hold the layer, the field or the column.
        SceneError: The file is damaged, crashes its reader, or takes more than the limits.
    """
    limits = ReadingLimits.of(settings, folders)
    if settings.isolated and AVAILABLE and query.columns is None:
        with _read_there(path, {"vectors": asdict(query)}, limits) as (result, said):
            return read_written_vectors(result, said)
    with reading_limits(limits):
        return read_vectors(path, query)


@contextmanager
def _read_there(
    path: Path, wanted: Mapping[str, Any], limits: ReadingLimits
) -> Iterator[tuple[IO[bytes], dict[str, Any]]]:
    """The file that holds what the server's child has read, behind its header; and the header."""
    request = {
        **wanted,
        "path": str(path),
        "working_folder": os.getcwd(),
        "most_bytes": limits.most_bytes,
        "seconds": limits.seconds,
        "folders": [str(folder) for folder in limits.folders],
        "window": limits.window,
    }
    with _result_file() as result:
        ended = _SERVERS.ask(request, result)
        if (reason := _refusal(ended, limits)) is not None:
            raise SceneError(f"cannot read {path}: {reason}")
        try:
            said = read_header(result)
            if "error" not in said:
                yield result, said
                return
        except TransferError as error:
            raise SceneError(
                f"cannot read {path}: its reader was damaged by it ({error}); {_MENDED}"
            ) from error
    message = str(said.get("message", ""))
    if said.get("error") in _ERRORS:
        raise _ERRORS[said["error"]](message)
    raise RuntimeError(f"the reader of {path} failed:\n{message}")


def _refusal(ended: Mapping[str, Any], limits: ReadingLimits) -> str | None:
    """Why there is no result, in words; None where there is one."""
    if ended.get("timed_out"):
        return (
            f"it took longer than {limits.seconds:g} seconds; the file is damaged ({_MENDED}), or "
            "large and slow to reach (raise ingest.most_seconds)"
        )
    number = ended.get("signal")
    if number is None:
        return None if ended.get("code") == 0 else f"its reader ended on it; {_MENDED}"
    if number == signal.SIGKILL:
        return (
            "the system stopped its reader, most likely for want of memory; close other programs, "
            f"or, if the file is damaged, {_MENDED}"
        )
    name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
    return f"its reader crashed on it ({name}); the file is damaged: {_MENDED}"


def _result_file() -> IO[bytes]:
    """A file without a name, in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("raw array"), "w+b")
    return tempfile.TemporaryFile()


class _Servers:
    """The server of this process, started when it is needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def ask(self, request: Mapping[str, Any], result: IO[bytes]) -> dict[str, Any]:
        """Lets the server read; returns how the child ended."""
        line = json.dumps(request).encode("ascii") + b"\n"
        with self._lock:
            if self._owner != os.getpid():  # forked: the server is the parent's
                self._process = self._socket = None
            for is_last in (False, True):
                try:
                    return self._answer(self._connected(), line, result)
                except (BrokenPipeError, ConnectionError, EOFError):
                    self._close()  # it had nothing to do for long and went, or was killed
                    if is_last:
                        raise SceneError(
                            "the process that reads raw files ended; run the command again, or "
                            "with --params ingest.isolated=false"
                        ) from None
                    result.seek(0)
                    result.truncate()
                except BaseException:
                    self._close()  # an answer to this request would be taken for the next one's
                    raise
        raise AssertionError("not reached")

    def _connected(self) -> socket.socket:
        if self._socket is None:
            ours, theirs = socket.socketpair()
            self._process = subprocess.Popen(
                [sys.executable, "-m", _SERVER, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for this process, which tells it to end
            )
            theirs.close()
            self._socket, self._owner = ours, os.getpid()
        return self._socket

    def _answer(self, server: socket.socket, line: bytes, result: IO[bytes]) -> dict[str, Any]:
        sent = socket.send_fds(server, [line], [result.fileno()])
        server.sendall(line[sent:])
        received = b""
        while not received.endswith(b"\n"):
            more = server.recv(4096)
            if not more:
                raise EOFError
            received += more
        answer: dict[str, Any] = json.loads(received)
        return answer

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()  # which ends the server
        if self._process is not None and self._owner == os.getpid():
            self._process.wait()
        self._process = self._socket = None

    def close(self) -> None:
        """Ends the server, if there is one."""
        with self._lock:
            if self._owner == os.getpid():
                self._close()


def _environment() -> dict[str, str]:
    """This process's environment with its import path; one thread a library."""
    kept = {name: value for name, value in os.environ.items() if name not in _REDIRECTIONS}
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    places = [place or os.getcwd() for place in sys.path]
    return {**kept, **dict.fromkeys(threads, "1"), "PYTHONPATH": os.pathsep.join(places)}


_SERVERS = _Servers()
atexit.register(_SERVERS.close)
