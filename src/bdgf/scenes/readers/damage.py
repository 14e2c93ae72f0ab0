"""Why a file could not be read: wrong content, damage, or a bug in this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bdgf.core.errors import SceneError

_OURS = __name__.partition(".")[0]
# What damaged numbers and structures do not raise by themselves, only calls that are wrong.
_FAULTS = (TypeError, AttributeError, NameError, AssertionError)
_PAGES = (b"<!doctype html", b"<html", b"<?xml", b"<head")
_HEADS = {
    b"version https://git-lfs": "it is a pointer of Git LFS, not the data; fetch them with "
    "`git lfs pull`, or download the file itself",
    b"PK\x03\x04": "it is a zip archive; unpack it, or name it .npz if NumPy wrote it",
    b"\x1f\x8b": "it is compressed by gzip; unpack it",
    b"BZh": "it is compressed by bzip2; unpack it",
    b"7z\xbc\xaf": "it is a 7z archive; unpack it",
    b"Rar!": "it is a rar archive; unpack it",
    b"\x0e\x03\x13\x01": "it is HDF4, which is not read; convert it to a GeoTIFF or to HDF5",
    b"\x89HDF": "it is HDF5; name it .h5, or .nc if it is NetCDF",
    b"CDF": "it is NetCDF 3; name it .nc",
    b"MATLAB": "it is a MATLAB file; name it .mat",
    b"\x93NUMPY": "it is an array of NumPy; name it .npy",
    b"II*\x00": "it is a TIFF; name it .tif",
    b"MM\x00*": "it is a TIFF; name it .tif",
    b"\x89PNG": "it is a PNG; name it .png",
    b"SQLite format 3": "it is an SQLite database; name it .gpkg if it is a GeoPackage",
    b"\0\0\x27\x0a": "it is a shapefile; name it .shp",
    **dict.fromkeys(
        (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
        "it is pickled by Python, which is not read; save the image by numpy.save",
    ),
}
_OWN_NAMES = {
    b"PK\x03\x04": (".npz",),
    b"\x89HDF": (".h5", ".hdf5", ".he5", ".hdf", ".nc", ".nc4", ".mat"),
    b"CDF": (".nc", ".nc4"),
    b"MATLAB": (".mat",),
    b"\x93NUMPY": (".npy",),
    b"II*\x00": (".tif", ".tiff"),
    b"MM\x00*": (".tif", ".tiff"),
    b"\x89PNG": (".png",),
    b"SQLite format 3": (".gpkg",),
    b"\0\0\x27\x0a": (".shp", ".shx"),
}


def is_own_fault(error: Exception) -> bool:
    """Whether an error while reading is a mistake in this package, not in the file.

    A missing module always is. A wrong call or attribute is if it was raised in our own code;
    libraries raise these too when they follow damaged content.
    """
    if isinstance(error, ImportError):
        return True
    if not isinstance(error, _FAULTS):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", ""))
    return name.partition(".")[0] == _OURS


def another_content(path: Path) -> str | None:
    """The true type of a misnamed file and a remedy; None if unknown.

    Args:
        path: A file that its reader could not read.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        return "it is empty; copy or download it again"
    is_page = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES)
    if is_page and path.suffix.lower() != ".vrt":
        return "it is a web page, not data: download it again, and look what the page says"
    for start, about in _HEADS.items():
        if head.startswith(start) and path.suffix.lower() not in _OWN_NAMES.get(start, ()):
            return about
    return None


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Turns any error while a raw file is read into one line.

    Args:
        path: The file.

    Raises:
        SceneError: The file is damaged, too large, or not what its name says.
    """
    try:
        yield
    except SceneError:
        raise
    except MemoryError as error:
        raise SceneError(
            f"cannot read {path}: {_words(error)}; the array does not fit into memory: if it "
            "should, the file is damaged: copy or download it again"
        ) from error
    except Exception as error:  # each library has its own errors for a damaged file
        if is_own_fault(error):
            raise
        refers = path.suffix.lower() == ".vrt"
        what = "a file that it refers to seems missing or" if refers else "the file seems"
        about = another_content(path) or (
            f"{_words(error)}; {what} damaged or cut short: copy or download it again"
        )
        raise SceneError(f"cannot read {path}: {about}") from error


def _words(error: BaseException) -> str:
    """An error's message in one line, with GDAL's own message if rasterio only refers to it."""
    while "previous exception" in str(error) and error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__
