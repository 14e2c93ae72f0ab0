"""VRTs as strangers write them; sound ones are in test_raster_bands."""

from pathlib import Path

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.registry import read_array
from tests.data.fabricate import write_raster

IMAGE = np.arange(20, dtype=np.uint8).reshape(4, 5)
BAND = '<VRTRasterBand dataType="Byte" band="1"{kind}>{inside}</VRTRasterBand>'
SOURCE = (
    '<SimpleSource><SourceFilename relativeToVRT="{relative}">{file}</SourceFilename>'
    "<SourceBand>1</SourceBand></SimpleSource>"
)


def write(path: Path, band: str, size: str = 'rasterXSize="5" rasterYSize="4"') -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"<VRTDataset {size}>{band}</VRTDataset>")
    return path


def of(file: object, relative: int = 1) -> str:
    return BAND.format(kind="", inside=SOURCE.format(file=file, relative=relative))


def test_sources_in_the_folder_are_read_whatever_their_names_form(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", IMAGE)
    for name, relative in (("a.tif", 1), (tmp_path / "a.tif", 0), (tmp_path / "a.tif", 1)):
        read = read_array(write(tmp_path / "a.vrt", of(name, relative)))
        np.testing.assert_array_equal(read.values[..., 0], IMAGE)
    write(tmp_path / "outer.vrt", of("a.vrt"))
    np.testing.assert_array_equal(read_array(tmp_path / "outer.vrt").values[..., 0], IMAGE)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../secret.tif",
        "/vsicurl/http://127.0.0.1:9/a.tif",
        "/vsizip/a.zip/a.tif",
        "vrt://a.tif",
        "GTIFF_DIR:1:../secret.tif",
        "HDF5:x.h5://v",
        "&lt;GDAL_WMS/&gt;",
    ],
)
def test_sources_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    write_raster(tmp_path / "secret.tif", IMAGE)
    path = write(tmp_path / "mine" / "a.vrt", of(name))
    with pytest.raises(SceneError, match=r"a\.vrt") as caught:
        read_array(path)
    assert "\n" not in str(caught.value)


def test_a_vrt_inside_is_looked_into(tmp_path: Path) -> None:
    write_raster(tmp_path / "secret.tif", IMAGE)
    mine = tmp_path / "mine"
    write(mine / "inner.vrt", of("../secret.tif"))
    path = write(mine / "a.vrt", of("inner.vrt"))
    with pytest.raises(SceneError, match=r"inner\.vrt: its source refers to"):
        read_array(path)


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", IMAGE)
    write(tmp_path / "inner.vrt", of("a.tif") + of("tiles/b.tif"))
    path = write(tmp_path / "a.vrt", of("inner.vrt"))
    with pytest.raises(SceneError, match=r"inner\.vrt: its source 'tiles/b\.tif' is not there"):
        read_array(path)


def test_a_vrt_of_itself_ends(tmp_path: Path) -> None:
    write(tmp_path / "a.vrt", of("b.vrt"))
    write(tmp_path / "b.vrt", of("a.vrt"))
    with pytest.raises(SceneError, match="refers to itself"):
        read_array(tmp_path / "a.vrt")


def test_a_source_that_is_a_description_under_an_images_name_is_refused(tmp_path: Path) -> None:
    write_raster(tmp_path / "secret.tif", IMAGE)
    mine = tmp_path / "mine"
    write(mine / "b.tif", of("../secret.tif"))
    path = write(mine / "a.vrt", of("b.tif"))
    with pytest.raises(SceneError, match=r"b\.tif holds the description of a VRT"):
        read_array(path)


RAW = "<SourceFilename>/etc/passwd</SourceFilename><ImageOffset>0</ImageOffset>"
CODE = "<PixelFunctionLanguage>Python</PixelFunctionLanguage>"


@pytest.mark.parametrize(
    ("kind", "inside"),
    [
        (' subClass="VRTRawRasterBand"', RAW),
        (' subclass="vrtrawrasterband"', RAW),
        (' subClass="VRTDerivedRasterBand"', CODE),
        ("", CODE),
        ("", '<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">/etc/x</MDI></Metadata>'),
    ],
)
def test_raw_files_and_code_are_refused(tmp_path: Path, kind: str, inside: str) -> None:
    path = write(tmp_path / "a.vrt", BAND.format(kind=kind, inside=inside))
    with pytest.raises(SceneError, match="may run code or read other files"):
        read_array(path)


def test_other_descriptions_and_entities_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.vrt"
    path.write_text('<GDAL_WMS><Service name="TMS"/></GDAL_WMS>')
    with pytest.raises(SceneError, match="map service"):
        read_array(path)
    path.write_text('<!DOCTYPE a [<!ENTITY x "y">]><VRTDataset/>')
    with pytest.raises(SceneError, match="entities"):
        read_array(path)


def test_a_huge_one_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", IMAGE)
    path = write(tmp_path / "a.vrt", of("a.tif"), 'rasterXSize="2000000" rasterYSize="2000000"')
    with pytest.raises(SceneError, match=r"more than the limit of .* --params ingest\.most_gib="):
        read_array(path)
