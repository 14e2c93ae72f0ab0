"""The GDAL driver of a vector file, chosen by its suffix and never by its content."""

from __future__ import annotations

import struct
from pathlib import Path

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raster_drivers import NO_NETWORK, RASTER_DRIVERS

_DRIVERS = {
    ".gpkg": "GPKG",
    ".shp": "ESRI Shapefile",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
}
_SQLITE, _SHAPE = b"SQLite format 3\0", b"\0\0\x27\x0a"
_PARTS = (".shx", ".dbf")  # of a shapefile: the index and the fields
# The reader takes these signs of a path for archives and addresses.
_NOT_IN_PATHS = "!;?"


def check_vector_file(path: Path) -> None:
    """Checks that a vector file matches its suffix and is complete.

    Raises:
        SceneError: It is of another format, a part of a shapefile is missing, or its path has signs
            that cannot be read.
    """
    suffix = path.suffix.lower()
    if signs := sorted(set(str(path.absolute())) & set(_NOT_IN_PATHS)):
        raise SceneError(
            f"{path} cannot be read, as its path has the sign '{signs[0]}'; rename the file or the "
            "folder"
        )
    with path.open("rb") as file:
        head = file.read(64)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    starts = {".gpkg": head.startswith(_SQLITE), ".shp": head.startswith(_SHAPE)}
    if not starts.get(suffix, text.startswith(b"{")):
        raise ValueError(f"it does not begin as files of {_DRIVERS[suffix]} do")
    if suffix == ".shp":
        _check_shapefile(path)


def _check_shapefile(path: Path) -> None:
    """Checks that a shapefile has all parts complete, because GDAL would read fragments."""
    here = {beside.name.lower(): beside for beside in path.parent.iterdir()}
    names = {end: f"{path.stem}{end}" for end in _PARTS}
    if missing := [name for name in names.values() if name.lower() not in here]:
        raise SceneError(
            f"{path} is without {' and '.join(missing)}: a shapefile is several files; put them "
            "beside it"
        )
    for part in (path, *(here[name.lower()] for name in names.values())):
        with part.open("rb") as file:
            head = file.read(100)
        if part.suffix.lower() == ".dbf":  # records, bytes of the heading and of a record
            records, heading, record = struct.unpack_from("<IHH", head.ljust(100, b"\0"), 4)
            declared = heading + records * record
        else:  # in words of 16 bits
            declared = 2 * struct.unpack_from(">I", head.ljust(100, b"\0"), 24)[0]
        if max(declared, 32) > part.stat().st_size:
            raise SceneError(
                f"{part} declares {declared} bytes, but has {part.stat().st_size}; it is cut "
                "short: copy or download it again"
            )


# Drivers of vectors that no scene needs. In a process of its own all but one are left out.
_VECTOR_DRIVERS = """
ADBC AIVector AVCBin AVCE00 AmigoCloud Arrow CAD CSV CSW Carto Cloudant CouchDB DGN DWG DXF EDIGEO
EEDA ESRIJSON Elasticsearch FileGDB FlatGeobuf GDALG GML GMLAS GNMDatabase GNMFile GPSBabel GPX GTFS
GeoJSONSeq GeoRSS HANA HTTP IDB Idrisi Interlis-1 Interlis-2 JML JSONFG KML LIBKML LVBAG MBTiles MEM
MSSQLSpatial MVT MapML Memory MiraMonVector MongoDBv3 MySQL NAS NGW OAPIF OCI ODBC ODS OGCAPI OGDI
OGR_GMT OGR_OGDI OGR_PDS OGR_VRT OSM OpenFileGDB PCIDSK PDF PDS4 PGDUMP PLSCENES PMTiles Parquet
PGeo PostgreSQL S57 SOSI SQLite SVG SXF Selafin TIGER TileDB TopoJSON VDV VFK VICAR WAsP WFS WFS3
XLS XLSX XODR netCDF
"""
_WITH_SPACES = ("MapInfo File", "ESRI Shapefile", "UK .NTF", "Geoconcept", "SDTS")


def confined_vector_environment(path: Path) -> dict[str, str]:
    """GDAL's options for a process that reads one vector file: one driver, no network.

    They hold for a library that is imported later.

    Args:
        path: The file; its suffix chooses the driver.
    """
    every = {*RASTER_DRIVERS, *_VECTOR_DRIVERS.split(), *_WITH_SPACES, *_DRIVERS.values()}
    left_out = sorted(every - {_DRIVERS.get(path.suffix.lower())})
    return {**NO_NETWORK, "GDAL_SKIP": ",".join(left_out)}
