"""The GDAL driver of a raster, chosen by its suffix and never by its content.

GDAL itself goes by the content, so that the description of a map service named `.tif` would reach
the network.
"""

from __future__ import annotations

import os
from pathlib import Path

from bdgf.core.errors import SceneError
from bdgf.scenes.readers import envi
from bdgf.scenes.readers.references import shortened

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG = (b"\x89PNG",)
_JPEG2000 = (b"\0\0\0\x0cjP  ", b"\xffO\xffQ")
_ERDAS = (b"EHFA_HEADER_TAG",)
_STARTS = {"GTiff": _TIFF, "PNG": _PNG, "JP2OpenJPEG": _JPEG2000, "HFA": _ERDAS}
_BY_SUFFIX = {".tif": "GTiff", ".tiff": "GTiff", ".png": "PNG", ".jp2": "JP2OpenJPEG"}
_LOOKED_AT = 4096  # bytes in which GDAL looks for signs of a format

PLAIN_SUFFIXES = (*_BY_SUFFIX, *(suffix for suffix in envi.DATA_SUFFIXES if suffix))
"""Suffixes of rasters that hold their own pixels."""

# Files that GDAL opens beside a raster, by their content.
_BESIDE = (".msk", ".ovr", ".aux")


def driver_of(path: Path) -> str | None:
    """Name of the driver for a raster; None of raw numbers without a header.

    Raises:
        SceneError: The content is that of something else, such as of a VRT.
    """
    if path.suffix.lower() == ".vrt":
        return "VRT"
    driver = _BY_SUFFIX.get(path.suffix.lower()) or _of_raw(path)
    if driver is None:
        return None
    head = _head(path)
    if driver in _STARTS and not head.startswith(_STARTS[driver]):
        refuse_description(path, head)
        return driver  # and the driver tells what is wrong
    refuse_description(path, head)
    return driver


def check_is_plain(path: Path) -> None:
    """Checks that a raster, and what GDAL opens beside it, holds its own pixels.

    Raises:
        SceneError: It describes other sources.
    """
    driver = driver_of(path)
    if driver is None or (driver in _STARTS and not _head(path).startswith(_STARTS[driver])):
        raise SceneError(
            f"{path} is not what its suffix says; copy or download it again, or give it the "
            "suffix of its format"
        )
    check_beside(path)


def check_beside(path: Path) -> None:
    """Checks the mask and the overviews that lie beside a raster: GDAL opens them by content.

    Raises:
        SceneError: One of them is no TIFF or ERDAS file.
    """
    bases = {path.name.lower(), path.stem.lower()}
    for beside in sorted(path.parent.iterdir()):
        base, end = beside.stem.lower(), beside.suffix.lower()
        if base in bases and end in _BESIDE:
            _check_companion(beside)
        elif end == ".xml" and base.endswith(".aux") and base.removesuffix(".aux") in bases:
            _check_metadata(beside)


def _check_companion(path: Path) -> None:
    if path.is_file() and not _head(path).startswith((*_TIFF, *_ERDAS)):
        raise SceneError(
            f"{path} lies next to a raster and is not a TIFF, unlike masks and overviews; move it "
            "away or write it again"
        )


def _check_metadata(path: Path) -> None:
    if not path.is_file():
        return
    content = path.read_bytes().upper()
    if b"OVERVIEW_FILE" in content or b"<!ENTITY" in content:
        raise SceneError(f"{path} refers to another file; delete it, GDAL makes it again")


def refuse_description(path: Path, head: bytes) -> None:
    """Refuses a text that describes other sources: a VRT or a map service.

    Raises:
        SceneError: `head`, the file's beginning, is one.
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    lower = head.lower()
    if b"<vrtdataset" in lower or b"<vrtrasterband" in lower:
        raise SceneError(
            f"{path} holds the description of a VRT, not an image; name it .vrt if it is one"
        )
    if b"<gdal_wm" in lower or (text[:1] == b"<" and b"service" in lower):
        word = shortened(text[:20].decode("latin-1"))
        raise SceneError(
            f"{path} describes a map service ({word}), not an image; it is not read: save the "
            "image to a GeoTIFF"
        )


def _of_raw(path: Path) -> str | None:
    if _head(path).startswith(_ERDAS):
        return "HFA"
    if envi.find_header(path) is not None:
        return "ENVI"
    has_header = any(path.with_suffix(end).is_file() for end in (".hdr", ".HDR"))
    return "EHdr" if has_header and path.suffix.lower() in (".bil", ".bip", ".bsq") else None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LOOKED_AT)


# What no raster of a scene needs. In a process of its own these are left out altogether, so that
# nothing that GDAL opens by itself (a mask beside an image, a source of a VRT) reaches them.
_LEFT_OUT = """
AAIGrid ACE2 ADRG AIG AVCBin AVCE00 AirSAR BAG BIGGIF BLX BMP BSB BT BYN CALS CEOS COASP COSAR
CPG CTG CTable2 DAAS DERIVED DIMAP DIPEx DOQ1 DOQ2 DTED ECRGTOC EEDA EEDAI EIR ELAS ERS ESAT
ESRIC ESRIJSON FAST FIT GFF GIF GNMDatabase GNMFile GPKG GRASSASCIIGrid GRIB GS7BG GSAG GSBG GSC
GTI GTX GXF GenBin GeoJSON GeoJSONSeq HDF4 HDF4Image HDF5 HDF5Image HEIF HF2 HTTP ILWIS IRIS
ISCE ISG ISIS2 ISIS3 JAXAPALSAR JDEM JPEG JPEGXL JP2KAK KEA KMLSUPEROVERLAY KRO L1B LAN LCP
LIBERTIFF LOSLAS Leveller MAP MBTiles MFF MFF2 MRF MSGN MVT NDF NGSGEOID NGW NITF NOAA_B
NSIDCbin NTv2 NWT_GRC NWT_GRD OGCAPI OSM OZI PAux PCIDSK PCRaster PDF PDS PDS4 PLMOSAIC PLSCENES
PNM PRF PostGISRaster R RASTERLITE RCM RIK RMF ROI_PAC RPFTOC RRASTER RS2 RST Rasterlite S102
S104 S111 SAFE SAGA SAR_CEOS SDTS SENTINEL2 SGI SIGDEM SNAP_TIFF SNODAS SQLite SRP SRTMHGT
STACIT STACTA TGA TIL TSX Terragen TileDB TopoJSON USGSDEM VICAR WCS WEBP WMS WMTS XPM XYZ ZMap
Zarr netCDF
"""
RASTER_DRIVERS = (*_LEFT_OUT.split(), "VRT", "GTiff", "COG", "PNG", "JP2OpenJPEG", "HFA", "ENVI")
"""Drivers that no file of polygons or points needs."""

NO_NETWORK = {
    "GDAL_HTTP_PROXY": "",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": os.devnull,  # no address has this name
    "GDAL_DRIVER_PATH": "disable",
}
"""GDAL's options against the network, and against drivers from elsewhere."""


def confined_environment(vrt: bool) -> dict[str, str]:
    """GDAL's options for a process that reads one raster: few drivers, no network, no code.

    Args:
        vrt: Whether the raster is a VRT.
    """
    left_out = ",".join([*_LEFT_OUT.split(), "ESRI Shapefile", *([] if vrt else ["VRT"])])
    return {
        "GDAL_SKIP": left_out,
        "GDAL_VRT_ENABLE_PYTHON": "NO",
        "GDAL_VRT_ENABLE_RAWRASTERBAND": "NO",
        **NO_NETWORK,
    }
