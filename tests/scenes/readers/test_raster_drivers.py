"""The suffix chooses the driver; the content cannot choose another."""

from pathlib import Path

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raster_drivers import check_beside, driver_of
from bdgf.scenes.readers.registry import read_array
from tests.data.fabricate import write_raster
from tests.data.raw_rasters import write_tif

IMAGE = np.arange(20, dtype=np.uint8).reshape(4, 5)
SERVICE = (
    '<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:9/</ServerUrl></Service></GDAL_WMS>'
)
VRT = '<VRTDataset rasterXSize="5" rasterYSize="4"></VRTDataset>'


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jp2", "a.img", "a.dat"])
@pytest.mark.parametrize(
    ("content", "words"), [(SERVICE, "map service|raw numbers"), (VRT, "VRT|raw numbers")]
)
def test_descriptions_under_an_images_name_are_refused(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(SceneError, match=words) as caught:
        read_array(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_an_image_of_another_format_is_told_as_such(tmp_path: Path) -> None:
    write_tif(tmp_path / "a.png", IMAGE, driver="PNG")
    (tmp_path / "a.png").rename(tmp_path / "a.tif")
    with pytest.raises(SceneError, match=r"it is a PNG; name it \.png"):
        read_array(tmp_path / "a.tif")


def test_a_tiff_that_is_a_vrt_as_well_is_refused(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", IMAGE)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[:8] + VRT.encode() + content[8:])
    with pytest.raises(SceneError, match="description of a VRT"):
        driver_of(tmp_path / "a.tif")


@pytest.mark.parametrize("name", ["a.tif.msk", "a.msk", "a.tif.ovr", "a.tif.OVR", "a.aux"])
def test_masks_and_overviews_beside_must_be_images(tmp_path: Path, name: str) -> None:
    write_raster(tmp_path / "a.tif", IMAGE)
    check_beside(tmp_path / "a.tif")
    (tmp_path / name).write_text(VRT)
    with pytest.raises(SceneError, match="not a TIFF"):
        read_array(tmp_path / "a.tif")


def test_metadata_beside_must_not_name_other_files(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", IMAGE)
    (tmp_path / "a.tif.aux.xml").write_text(
        '<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">/etc/passwd</MDI>'
        "</Metadata></PAMDataset>"
    )
    with pytest.raises(SceneError, match="refers to another file"):
        read_array(tmp_path / "a.tif")


def test_an_erdas_image_may_not_name_a_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "a.img"
    write_tif(path, IMAGE, driver="HFA", USE_SPILL="YES")
    assert (tmp_path / "mine" / "a.ige").is_file()
    np.testing.assert_array_equal(read_array(path).values[..., 0], IMAGE)
    (tmp_path / "mine" / "a.ige").rename(tmp_path / "a.ige")
    path.write_bytes(path.read_bytes().replace(b"a.ige\0\0\0\0", b"../a.ige\0", 1))
    with pytest.raises(SceneError):
        read_array(path)
