"""Chooses the reader by a file's suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.envi_roi import read_envi_roi
from bdgf.scenes.readers.hdf5 import read_hdf5
from bdgf.scenes.readers.matlab import read_matlab
from bdgf.scenes.readers.netcdf import read_netcdf
from bdgf.scenes.readers.numpy_files import read_npy, read_npz
from bdgf.scenes.readers.raster import read_raster
from bdgf.scenes.readers.raw_array import RawArray

Reader = Callable[[Path, str | None], RawArray]

_RASTERS = (".tif", ".tiff", ".hdr", ".dat", ".img", ".bsq", ".bil", ".bip", ".raw")
READERS: dict[str, Reader] = {
    ".mat": read_matlab,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".nc": read_netcdf,
    ".npy": read_npy,
    ".npz": read_npz,
    ".txt": read_envi_roi,
    **dict.fromkeys((*_RASTERS, ".jp2", ".png", ".vrt"), read_raster),
}


def read_array(path: Path, variable: str | None = None) -> RawArray:
    """Reads one array of a file.

    Args:
        path: The file; its suffix chooses the reader (a file with an ENVI header beside it,
            `<file>.hdr`, is an ENVI image whatever its name).
        variable: The array's name where the format has names; a dotted path reaches into nested
            structs and groups. None takes the only one.

    Raises:
        VariableError: The file does not hold the variable; the message lists what it holds.
        SceneError: The format is unknown, or the file is damaged.
    """
    suffix = path.suffix.lower()
    reader = READERS.get(suffix)
    if reader is None and path.with_name(path.name + ".hdr").is_file():
        reader = read_raster
    if reader is None:
        raise SceneError(
            f"{path}: the format {suffix or 'without a suffix'} is unknown; known are "
            f"{', '.join(READERS)}"
        )
    try:
        return reader(path, variable)
    except (SceneError, MemoryError):
        raise
    except Exception as error:  # each library has its own errors for a damaged file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SceneError(
            f"cannot read {path}: {reason}; the file seems damaged or cut short: copy or download "
            "it again"
        ) from error
