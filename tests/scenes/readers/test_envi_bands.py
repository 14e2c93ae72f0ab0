import re

import numpy as np
import pytest

from bdgf.scenes.readers.envi_bands import bands_of
from bdgf.scenes.readers.registry import read_array
from tests.data.raw_rasters import write_envi

CUBE = np.arange(60).reshape(4, 5, 3)


def _read(tmp_path, fields, **options):
    return read_array(write_envi(tmp_path / "cube.img", CUBE, fields, **options))


def test_all_fields(tmp_path):
    read = _read(
        tmp_path,
        "data gain values = {1e-4,\n 2e-4, 3}\ndata offset values = {0.5, 0, 1}\n"
        "data ignore value = -9999\nbbl = {1,\n0, 1.000}\nwavelength = {400, 500,\n600}\n"
        "wavelength units = nm\nband names = {blue, green,\n red}\n",
    )
    assert read.scale == (1e-4, 2e-4, 3)
    assert read.offset == (0.5, 0, 1)
    assert read.nodata == ((-9999,),)
    assert read.bad_bands == {1}
    assert read.wavelengths == (400, 500, 600)
    assert read.band_names == ("blue", "green", "red")
    assert not read.doubts
    np.testing.assert_array_equal(read.values, CUBE)


def test_fields_in_other_cases_and_code_pages(tmp_path):
    fields = "BBL = {1 1 0}\nReflectance Scale Factor = 10000\nBand Names = {ä, ö, ü}\n"
    read = _read(tmp_path, fields, encoding="latin-1")
    assert read.bad_bands == {2}
    assert read.scale == (1e-4,)
    assert read.band_names == ("ä", "ö", "ü")


@pytest.mark.parametrize(
    ("fields", "scale", "note"),
    [
        ({"reflectance scale factor": "10000.0"}, ((1e-4,), (0.0,)), None),
        ({"data gain values": "{0.5}"}, ((0.5,), (0.0,)), None),
        ({"data offset values": "{1, 2, 3}"}, ((1.0,), (1, 2, 3)), None),
        ({"data reflectance gain values": "{1, 2, 3}"}, ((1, 2, 3), (0.0,)), None),
        (
            {"data gain values": "{1, 2, 3}", "reflectance scale factor": "100"},
            ((1, 2, 3), (0.0,)),
            "`reflectance scale factor` of the ENVI header not applied beside `data gain values`",
        ),
        (
            {"data gain values": "{1, 2, 3}", "data reflectance gain values": "{4, 5, 6}"},
            ((1, 2, 3), (0.0,)),
            "`data reflectance gain values` of the ENVI header not applied",
        ),
    ],
)
def test_scale(fields, scale, note):
    found = bands_of(fields, 3)
    assert (found.scale, found.offset) == scale
    assert not found.doubts
    assert (note or "") in "".join(found.notes)


@pytest.mark.parametrize(
    ("field", "doubt"),
    [
        ("data gain values = {1, 2}", r"data gain values.* \(2\) does not fit 3 bands"),
        ("data gain values = {1, x, 3}", r"data gain values.*not all finite numbers"),
        ("data offset values = {1, 2}", r"data offset values.* \(2\) does not fit 3 bands"),
        ("data gain values = {0, 0, 0}", "scale is 0"),
        ("reflectance scale factor = 0", "no positive number"),
        ("reflectance scale factor = {a}", "no positive number"),
        ("data ignore value = none", "no number and hides nothing"),
        ("bbl = {1, 0}", "has 2 entries for 3 bands"),
        ("bbl = {1, 0, 2}", "holds other than 0 and 1"),
        ("bbl = {1, 0, x}", "holds other than 0 and 1"),
        ("bbl = {0, 0, 0}", "marks every band as bad"),
    ],
)
def test_what_does_not_fit_is_a_doubt_and_not_applied(tmp_path, field, doubt):
    read = _read(tmp_path, field + "\n")
    assert len(read.doubts) == 1
    assert re.search(doubt, read.doubts[0])
    assert read.scale == (1.0,)
    assert read.offset == (0.0,)
    assert read.nodata == ((),)
    assert not read.bad_bands


def test_empty_fields_say_nothing():
    fields = "bbl", "data gain values", "reflectance scale factor", "data ignore value"
    found = bands_of(dict.fromkeys(fields, "{}"), 3)
    assert found.scale in (None, (1.0,))
    assert not found.doubts
    assert found.ignored is None


def test_names_and_wavelengths_of_another_number_are_left_out():
    found = bands_of({"band names": "{a, b}", "wavelength": "{1, 2}"}, 3)
    assert not found.band_names
    assert not found.wavelengths
    assert len(found.notes) == 2


def test_ignore_value_in_braces_is_not_0(tmp_path):
    assert _read(tmp_path, "data ignore value = { -9999 }\n").nodata == ((-9999,),)


def test_classification(tmp_path):
    fields = (
        "file type = ENVI Classification\nclasses = 3\n"
        "class names = {Unclassified, water, forest}\n"
        "class lookup = {0, 0, 0, 0, 0, 255, 0,\n 160, 0}\n"
    )
    labels = np.array([[0, 1, 2], [2, 2, 1]])
    read = read_array(write_envi(tmp_path / "a.dat", labels[..., None], fields, "<u1"))
    np.testing.assert_array_equal(read.values[..., 0], labels)
    assert read.palette == {0: (0, 0, 0), 1: (0, 0, 255), 2: (0, 160, 0)}
    assert "classes of the ENVI header: 0 Unclassified, 1 water, 2 forest" in read.notes
