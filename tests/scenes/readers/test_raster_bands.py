import warnings

import numpy as np
import pytest
import rasterio
from PIL import Image

from bdgf.scenes.readers.raster_bands import as_stored, one_or_all
from bdgf.scenes.readers.registry import read_array
from tests.data.raw_rasters import write_tif

CUBE = np.arange(60, dtype=np.int16).reshape(4, 5, 3)
SHOWN = np.ones((4, 5), bool)
SHOWN[1, 2] = False
OTHER = SHOWN.copy()
OTHER[3, 3] = False

LOWEST = float(np.finfo(np.float32).min)
_BAND = (
    '<VRTRasterBand dataType="{dtype}" band="{band}">{extra}<SimpleSource><SourceFilename '
    'relativeToVRT="1">{file}</SourceFilename><SourceBand>{of}</SourceBand></SimpleSource>'
    "</VRTRasterBand>"
)


def _vrt(path, *bands, file="a.tif"):
    """A VRT of (dtype, further elements) bands."""
    text = "".join(
        _BAND.format(dtype=dtype, band=i, extra=extra, file=file, of=i)
        for i, (dtype, extra) in enumerate(bands, start=1)
    )
    path.write_text(f'<VRTDataset rasterXSize="5" rasterYSize="4">{text}</VRTDataset>')
    return path


@pytest.mark.parametrize(
    ("number", "dtype", "stored"),
    [
        (None, "int16", ()),
        (-9999, "int16", (-9999,)),
        (-9999, "uint16", ()),
        (0.5, "int16", ()),
        (float("nan"), "int16", ()),
        (300, "uint8", ()),
        (0.1, "float32", (float(np.float32(0.1)),)),
        (0.1, "float64", (0.1,)),
        (-3.40282e38, "float32", (float(np.float32(-3.40282e38)), LOWEST)),
        (-3.4028235e38, "float32", (LOWEST,)),
        (-1.7976931348623157e308, "float32", ()),
        (-1.79769e308, "float64", (-1.79769e308, float(np.finfo(np.float64).min))),
        (float("inf"), "float32", (float("inf"),)),
        (0, "complex64", (0.0,)),
    ],
)
def test_nodata_as_stored(number, dtype, stored):
    assert as_stored(number, dtype) == stored


def test_nodata_nan():
    (number,) = as_stored(float("nan"), "float32")
    assert np.isnan(number)
    assert len(one_or_all([(float("nan"),), (float("nan"),)])) == 1


@pytest.mark.parametrize("text", ["-3.40282e+38", "-3.4028235e+38", "-3.40282346638529e+38"])
def test_every_text_of_the_lowest_number_finds_it(tmp_path, text):
    values = np.zeros((4, 5), np.float32)
    values[2, 3] = LOWEST
    write_tif(tmp_path / "a.tif", values)
    read = read_array(_vrt(tmp_path / "a.vrt", ("Float32", f"<NoDataValue>{text}</NoDataValue>")))
    hidden = np.isin(read.values[..., 0], np.array(read.nodata[0], read.values.dtype))
    assert np.argwhere(hidden).tolist() == [[2, 3]]


def test_nodata_of_each_band(tmp_path):
    write_tif(tmp_path / "a.tif", CUBE)
    bands = [("Int16", f"<NoDataValue>{n}</NoDataValue>") for n in (0, -9999)]
    read = read_array(_vrt(tmp_path / "a.vrt", *bands, ("Int16", "")))
    assert read.nodata == ((0,), (-9999,), ())


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1])
def test_nodata_of_64_bits_is_exact(tmp_path, number):
    values = np.zeros((4, 5), np.int64)
    values[2, 3] = number
    write_tif(tmp_path / "a.tif", values)
    read = read_array(_vrt(tmp_path / "a.vrt", ("Int64", f"<NoDataValue>{number}</NoDataValue>")))
    assert read.nodata == ((number,),)


@pytest.mark.parametrize("internal", [True, False])
def test_a_mask_of_all_bands_and_nodata_behind_it(tmp_path, internal):
    write_tif(tmp_path / "a.tif", CUBE, [SHOWN], internal, nodata=7)
    read = read_array(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.masked, ~SHOWN)
    assert read.nodata == ((7,),)
    np.testing.assert_array_equal(read.values, CUBE)


def test_masks_of_each_band_beside(tmp_path):
    write_tif(tmp_path / "a.tif", CUBE, [SHOWN, OTHER, SHOWN])
    masked = read_array(tmp_path / "a.tif").masked
    np.testing.assert_array_equal(masked, ~np.stack([SHOWN, OTHER, SHOWN], axis=2))


@pytest.mark.parametrize("masks", [("m", "m"), ("m", "n"), ("m", None)])
def test_masks_of_a_vrt(tmp_path, masks):
    write_tif(tmp_path / "a.tif", CUBE)
    write_tif(tmp_path / "m.tif", SHOWN.astype(np.uint8) * 255)
    write_tif(tmp_path / "n.tif", OTHER.astype(np.uint8) * 255)
    bands = []
    for mask in masks:
        inside = _BAND.format(dtype="Byte", band=1, extra="", file=f"{mask}.tif", of=1)
        inside = inside.replace(' band="1"', "")
        bands.append(("Int16", f"<MaskBand>{inside}</MaskBand>" if mask else ""))
    masked = read_array(_vrt(tmp_path / "a.vrt", *bands)).masked
    expected = [{"m": ~SHOWN, "n": ~OTHER, None: SHOWN & False}[mask] for mask in masks]
    full = masked if masked.ndim == 3 else np.stack([masked, masked], axis=2)
    np.testing.assert_array_equal(full, np.stack(expected, axis=2))
    assert (masked.ndim == 2) == (masks == ("m", "m"))


@pytest.mark.parametrize(("bands", "photometric"), [(2, "MINISBLACK"), (4, "RGB"), (5, "RGB")])
def test_alpha_is_told_and_left_in_the_values(tmp_path, bands, photometric):
    cube = np.zeros((4, 5, bands), np.uint8)
    options = {"photometric": photometric, "alpha": "YES"}
    write_tif(tmp_path / "a.tif", cube, nodata=3, **options)
    read = read_array(tmp_path / "a.tif")
    assert read.alpha == {2: 1, 4: 3, 5: 3}[bands]
    assert read.masked is None
    assert read.values.shape == cube.shape
    assert read.nodata == ((3,),)
    write_tif(tmp_path / "b.tif", cube, [SHOWN], **options)
    np.testing.assert_array_equal(read_array(tmp_path / "b.tif").masked, ~SHOWN)


def test_a_transparent_colour_hides_where_all_bands_have_it(tmp_path):
    cube = np.zeros((4, 5, 3), np.uint8)
    cube[1] = 9
    cube[2, :, 0] = 9
    Image.fromarray(cube).save(tmp_path / "a.png", transparency=(0, 0, 0))
    read = read_array(tmp_path / "a.png")
    np.testing.assert_array_equal(read.masked, (cube == 0).all(axis=2))
    assert read.nodata == ((),)


def test_what_bands_declare(tmp_path):
    write_tif(tmp_path / "a.tif", CUBE, scales=(1e-4, 2e-4, 1e-4), offsets=(-0.1, 0, 0))
    with (
        warnings.catch_warnings(action="ignore"),
        rasterio.open(tmp_path / "a.tif", "r+") as file,
    ):
        file.descriptions = ("blue", None, "red")
        file.units = ("dB",) * 3
        for i in file.indexes:
            file.update_tags(i, wavelength=str(400 + i))
        file.update_tags(ns="ENVI", bbl="{1, 0, 1}")
    read = read_array(tmp_path / "a.tif")
    assert read.scale == (1e-4, 2e-4, 1e-4)
    assert read.offset == (-0.1, 0, 0)
    assert read.band_names == ("blue", "", "red")
    assert read.units == "dB"
    assert read.wavelengths == (401, 402, 403)
    assert read.bad_bands == {1}


def test_units_that_differ_are_a_note(tmp_path):
    write_tif(tmp_path / "a.tif", CUBE)
    with (
        warnings.catch_warnings(action="ignore"),
        rasterio.open(tmp_path / "a.tif", "r+") as file,
    ):
        file.units = ("dB", "m", "")
    read = read_array(tmp_path / "a.tif")
    assert read.units == ""
    assert "units differ from band to band: 'dB', 'm', ''" in read.notes


def test_bands_of_several_dtypes(tmp_path):
    values = np.stack([CUBE[..., 0], CUBE[..., 1] + 0.5], axis=2).astype(np.float32)
    write_tif(tmp_path / "a.tif", values)
    read = read_array(_vrt(tmp_path / "a.vrt", ("Int16", ""), ("Float32", "")))
    np.testing.assert_array_equal(read.values, values)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_palette_of_the_values_that_occur(tmp_path, name):
    ids = np.array([[0, 2, 2], [2, 5, 0]], np.uint8)
    image = Image.fromarray(ids).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 7, 7, 7, 8, 8, 8, 1, 2, 3])
    image.save(tmp_path / name)
    read = read_array(tmp_path / name)
    np.testing.assert_array_equal(read.values[..., 0], ids)
    assert read.palette == {0: (0, 0, 0), 2: (0, 255, 0), 5: (1, 2, 3)}


def test_erdas(tmp_path):
    write_tif(tmp_path / "a.img", CUBE, driver="HFA", nodata=-9999)
    read = read_array(tmp_path / "a.img")
    np.testing.assert_array_equal(read.values, CUBE)
    assert read.nodata == ((-9999,),)


def test_tifffile_flags_the_fourth_of_any_four_as_alpha(tmp_path):
    cube = np.arange(80, dtype=np.uint8).reshape(4, 5, 4)
    for text, alpha in (('{"shape": [4, 4, 5]}', None), ("an orthophoto", 3)):
        write_tif(tmp_path / "a.tif", cube, photometric="RGB", alpha="YES")
        with rasterio.open(tmp_path / "a.tif", "r+") as file:
            file.update_tags(TIFFTAG_IMAGEDESCRIPTION=text)
        assert read_array(tmp_path / "a.tif").alpha == alpha


def test_bad_bands_of_a_geotiff(tmp_path):
    write_tif(tmp_path / "a.tif", CUBE)
    with rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.update_tags(bbl="{1, 0, 1}")
    assert read_array(tmp_path / "a.tif").bad_bands == {1}
    write_tif(tmp_path / "b.tif", CUBE)
    with rasterio.open(tmp_path / "b.tif", "r+") as file:
        for band in (1, 2, 3):
            file.update_tags(band, bbl=str(int(band != 3)))
    assert read_array(tmp_path / "b.tif").bad_bands == {2}
