"""The server behind `isolation`: imports a reader once, and forks a child for each file."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

_IDLE = 60.0  # seconds without work after which it ends
_LINE = 1 << 20  # bytes of a request at most
# Readers copy an array (axes, bands of several dtypes, masks) beside what libraries need.
_COPIES = 3
_BESIDE = 1 << 30
_HDF5 = ("h5py", "rasterio.crs")
_VECTORS = ("shapely", "rasterio.crs")
# Libraries by suffix; of every other format it is GDAL.
_MODULES = {
    ".mat": ("h5py", "scipy.io", "scipy.sparse"),
    **dict.fromkeys((".h5", ".hdf5", ".he5", ".hdf"), _HDF5),
    **dict.fromkeys((".nc", ".nc4"), ("h5netcdf", "xarray", *_HDF5)),
    ".zarr": ("bdgf.scenes.readers.zarr_arrays", "rasterio.crs"),
    **dict.fromkeys((".gpkg", ".shp", ".geojson", ".json"), _VECTORS),
}


def serve(connection: socket.socket) -> None:
    """Answers requests until the other side closes or is silent for long."""
    import_module("bdgf.scenes.readers.registry")
    while select.select([connection], [], [], _IDLE)[0]:
        line, files, _, _ = socket.recv_fds(connection, _LINE, 1)
        while line and not line.endswith(b"\n"):
            line += connection.recv(_LINE)
        if not line:
            return
        request = json.loads(line)
        _import_readers(request["path"])
        answer = _in_child(connection, request, files[0])
        os.close(files[0])
        connection.sendall(json.dumps(answer).encode("ascii") + b"\n")


def _import_readers(path: str) -> None:
    """What reads this file, imported once for all children; none of it may start a thread.

    Only what the file's format needs: xarray alone is a third of all of it in memory. pyogrio is
    left to the child: its drivers are chosen when it is imported. Where a library is missing, the
    child says so.
    """
    for module in _MODULES.get(Path(path).suffix.lower(), ("rasterio.crs",)):
        with suppress(ImportError):
            import_module(module)


def _in_child(connection: socket.socket, request: dict[str, Any], result: int) -> dict[str, Any]:
    """Forks a child, waits for it, and returns how it ended."""
    ended, writes = os.pipe()  # the reading end closes when the child ends
    child = os.fork()
    if not child:
        os.close(ended)
        connection.close()
        _read(request, result)
    os.close(writes)
    ready = select.select([ended, connection.fileno()], [], [], float(request["seconds"]))[0]
    if ended not in ready:
        os.kill(child, signal.SIGKILL)
        if ready:  # who asked is gone
            sys.exit()
    os.close(ended)
    status = os.waitpid(child, 0)[1]
    if not ready:
        return {"timed_out": True}
    code = os.waitstatus_to_exitcode(status)
    return {"code": code} if code >= 0 else {"signal": -code}


def _read(request: dict[str, Any], result: int) -> None:
    """The child: reads one array or its vectors into `result`, and ends the process."""
    code = 1
    try:
        from bdgf.core.errors import SceneError
        from bdgf.scenes.readers.array_transfer import write_array, write_header
        from bdgf.scenes.readers.raster_drivers import confined_environment
        from bdgf.scenes.readers.raw_array import VariableError, WindowsError
        from bdgf.scenes.readers.reading_limits import ReadingLimits, reading_limits
        from bdgf.scenes.readers.registry import read_array
        from bdgf.scenes.readers.vector_drivers import confined_vector_environment
        from bdgf.scenes.readers.vector_files import read_vectors
        from bdgf.scenes.readers.vector_transfer import write_vectors
        from bdgf.scenes.readers.vectors import VectorQuery

        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 2)  # what libraries print of a damaged file
        path = Path(request["path"])
        os.chdir(request["working_folder"])
        vectors = request.get("vectors")
        if vectors is None:
            os.environ |= confined_environment(vrt=path.suffix.lower() == ".vrt")
        else:
            os.environ |= confined_vector_environment(path)
        limits = ReadingLimits(
            request["most_bytes"],
            request["seconds"],
            tuple(map(Path, request["folders"])),
            None if request["window"] is None else tuple(request["window"]),
        )
        confine(_COPIES * limits.most_bytes + _BESIDE)
        with os.fdopen(result, "r+b", closefd=False) as file:
            try:
                with reading_limits(limits):
                    if vectors is None:
                        write_array(read_array(path, request["variable"]), file)
                    else:
                        write_vectors(read_vectors(path, VectorQuery(**vectors)), file)
            except (VariableError, WindowsError) as error:
                write_header(file, {"error": type(error).__name__, "message": str(error)})
            except SceneError as error:
                write_header(file, {"error": "SceneError", "message": str(error)})
            except Exception:
                write_header(file, {"error": "", "message": traceback.format_exc()})
        code = 0
    finally:
        os._exit(code)  # without what the parent registered for its own end


def confine(more_bytes: int) -> None:
    """Limits this process's memory to what it has and `more_bytes`, and leaves no core files."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    except OSError:  # not Linux, where this limit does not hold anyway
        return
    most = pages * resource.getpagesize() + more_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
