"""Chooses a file's reader by its suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.damage import reading_errors
from bdgf.scenes.readers.envi import find_header
from bdgf.scenes.readers.envi_roi import read_envi_roi
from bdgf.scenes.readers.hdf5 import read_hdf5
from bdgf.scenes.readers.matlab import read_matlab
from bdgf.scenes.readers.netcdf import read_netcdf
from bdgf.scenes.readers.numpy_files import read_npy, read_npz
from bdgf.scenes.readers.raster import read_raster
from bdgf.scenes.readers.raw_array import RawArray, WindowsError
from bdgf.scenes.readers.reading_limits import limits_in_force
from bdgf.scenes.readers.zarr_folder import SUFFIX
from bdgf.scenes.readers.zarr_store import read_zarr

Reader = Callable[[Path, str | None], RawArray]

_ENVI = (".hdr", ".dat", ".img", ".bsq", ".bil", ".bip", ".raw", ".bin")
_HDF4 = b"\x0e\x03\x13\x01"


def _read_hdf(path: Path, variable: str | None) -> RawArray:
    """Reads HDF5; the same suffixes are used for HDF4.

    Raises:
        SceneError: The file is HDF4.
    """
    with path.open("rb") as file:
        if file.read(len(_HDF4)) == _HDF4:
            raise SceneError(
                f"{path} is HDF4, which is not read; convert it, as by `gdal_translate` of its "
                "subdataset to a GeoTIFF or by h4toh5 to HDF5"
            )
    return read_hdf5(path, variable)


READERS: dict[str, Reader] = {
    ".mat": read_matlab,
    **dict.fromkeys((".h5", ".hdf5", ".he5", ".hdf"), _read_hdf),
    **dict.fromkeys((".nc", ".nc4"), read_netcdf),
    SUFFIX: read_zarr,
    ".npy": read_npy,
    ".npz": read_npz,
    **dict.fromkeys((".txt", ".csv"), read_envi_roi),
    **dict.fromkeys((".tif", ".tiff", ".jp2", ".png", ".vrt", *_ENVI), read_raster),
}

_IN_WINDOWS: tuple[Reader, ...] = (read_raster, read_netcdf, _read_hdf, read_zarr)
"""The readers that read parts of a file; the others read it whole."""


def read_array(path: Path, variable: str | None = None) -> RawArray:
    """Reads one array of a file, or of a Zarr store.

    Args:
        path: The file, or the store's folder; its suffix chooses the reader (of an unknown one, an
            ENVI header beside it tells an ENVI image).
        variable: The array's name where the format has names; a dotted path reaches into nested
            structs and groups. None takes the only one.

    Raises:
        VariableError: The file does not hold the variable; the message lists what it holds.
        SceneError: The format is unknown, the file is damaged, or it is not what its name says.
    """
    suffix = path.suffix.lower()
    reader = READERS.get(suffix)
    if reader is None and find_header(path) is not None:
        reader = read_raster
    if reader is None:
        raise SceneError(
            f"{path}: the format {suffix or 'without a suffix'} is unknown; known are "
            f"{', '.join(READERS)}"
        )
    if limits_in_force().window is not None and reader not in _IN_WINDOWS:
        raise WindowsError(f"{path}: the format {suffix} is read whole, not in windows")
    with reading_errors(path):
        return reader(path, variable)
