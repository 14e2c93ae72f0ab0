import re

import pytest
from affine import Affine
from rasterio.crs import CRS

from bdgf.scenes.ingest.reference_systems import are_one, horizontal, leads_to, names

UTM = CRS.from_epsg(32632)
GRID = Affine(10, 0, 500000, 0, -10, 5400000)
WITHOUT_CODES = re.sub(r',AUTHORITY\["EPSG","\d+"\]', "", UTM.to_wkt())


def one(words, other=UTM, grid=GRID):
    crs = CRS.from_wkt(words) if "[" in words else CRS.from_string(words)
    return are_one(horizontal(crs), horizontal(other), grid, (40, 56))


@pytest.mark.parametrize(
    "words",
    [
        "EPSG:32632",
        "EPSG:32632+3855",
        "EPSG:32632+4979",  # with a height in the system itself
        f'COMPD_CS["ours",{UTM.to_wkt()},VERT_CS["h",VERT_DATUM["h",2005],UNIT["metre",1]]]',
        "+proj=utm +zone=32 +datum=WGS84 +units=m",
        "+proj=utm +zone=32 +ellps=WGS84 +units=m",
        "+proj=utm +zone=32 +ellps=WGS84 +towgs84=0,0,0 +units=m",
        "+proj=tmerc +lat_0=0 +lon_0=9 +k=0.9996 +x_0=500000 +y_0=0 +datum=WGS84 +units=m",
        "+proj=utm +zone=32 +datum=WGS84 +units=m +geoidgrids=egm96_15.gtx",
        UTM.to_wkt(version="WKT1_ESRI"),
        UTM.to_wkt().replace("WGS 84 / UTM zone 32N", "unnamed"),
        WITHOUT_CODES.replace("WGS_1984", "D_of_ours"),
        WITHOUT_CODES.replace("298.257223563", "298.2572"),
    ],
)
def test_one_system_in_other_words(words):
    assert one(words)


@pytest.mark.parametrize(
    "words",
    [
        "EPSG:32633",
        "EPSG:25832",
        "EPSG:4326",
        "+proj=utm +zone=33 +ellps=WGS84 +units=m",
        "+proj=utm +zone=32 +ellps=clrk66 +units=m",
        "+proj=tmerc +lat_0=0 +lon_0=9.01 +k=0.9996 +x_0=500000 +y_0=0 +datum=WGS84 +units=m",
    ],
)
def test_other_systems_are_others(words):
    assert not one(words)


def test_shifts_to_wgs_84_and_directions_of_axes_do_not_count():
    etrs = "+proj=utm +zone=32 +ellps=GRS80 +towgs84=0,0,0,0,0,0,0 +units=m"
    assert one(etrs, CRS.from_epsg(25832))
    degrees = Affine(0.1, 0, 8, 0, -0.1, 51)
    assert one("OGC:CRS84", CRS.from_epsg(4326), degrees)
    assert one("EPSG:4979", CRS.from_epsg(4326), degrees)


@pytest.mark.parametrize(
    ("compound", "flat"),
    [("EPSG:7415", 28992), ("EPSG:5972", 25832), ("EPSG:9518", 4326), ("EPSG:2154+5720", 2154)],
)
def test_a_compound_system_is_its_horizontal_part(compound, flat):
    assert one(compound, CRS.from_epsg(flat))
    other = horizontal(CRS.from_string(compound))
    assert are_one(horizontal(CRS.from_epsg(flat)), other, GRID, (40, 56))


def test_what_leads_from_one_system_to_another():
    assert leads_to(UTM, CRS.from_epsg(4326))
    own = CRS.from_wkt('LOCAL_CS["here",UNIT["metre",1]]')
    assert leads_to(own, own)
    assert not leads_to(own, UTM)


def test_names_that_are_alike_give_way_to_terms():
    assert names(UTM, CRS.from_epsg(4326)) == ("EPSG:32632", "EPSG:4326")
    terms = [f"+proj=tmerc +lat_0=0 +lon_0={lon} +ellps=bessel +units=m" for lon in (9, 10)]
    first, second = names(*map(CRS.from_string, terms))
    assert first != second
