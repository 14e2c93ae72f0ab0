import numpy as np
import pytest

from bdgf.scenes.readers.attribute_values import Remarks
from bdgf.scenes.readers.band_lists import read_bad_bands, read_wavelengths

NM = np.array([400.0, 500.0, 600.0])


@pytest.mark.parametrize(
    ("attributes", "lists"),
    [
        ({"Wavelengths": NM}, []),
        ({"wavelength": "{400, 500, 600}"}, []),
        ({"center_wavelengths_nm": NM}, []),
        ({"bandCenters": NM}, []),
        ({}, [("sensor/wavelengths", NM, {})]),
        ({}, [("band", NM, {"units": "nm"})]),
        ({}, [("band", NM, {"standard_name": "radiation_wavelength"})]),
        ({}, [("fwhm", NM / 100, {"units": "nm"}), ("wl", NM, {})]),
    ],
)
def test_wavelengths(attributes, lists):
    remarks = Remarks()
    assert read_wavelengths(attributes, lists, (3,), remarks) == (400, 500, 600)
    assert remarks == Remarks()


def test_what_are_no_wavelengths():
    remarks = Remarks()
    assert read_wavelengths({}, [("band", np.array([1, 2, 3]), {})], (3,), remarks) == ()
    assert read_wavelengths({"wavelength": [0, 0, np.nan]}, [], (3,), remarks) == ()
    assert not remarks.doubts
    assert read_wavelengths({"wavelength": "visible"}, [], (3,), remarks) == ()
    assert read_wavelengths({"wavelength": [400, 500]}, [], (3,), remarks) == ()
    assert len(remarks.doubts) == 2


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"bbl": [1, 0, 1, 1]}, {1}),
        ({"BBL": "{1,0,1,1}"}, {1}),
        ({"bad_bands_list": [1, 1, 1, 0]}, {3}),
        ({"good_wavelengths": [1.0, np.nan, 0.0, 1.0]}, {1, 2}),
        ({"good_bands": np.array([True, False, True, True])}, {1}),
        ({"bad_bands": [0, 1, 0, 0]}, {1}),
        ({"bad_bands": [0, 2]}, {0, 2}),
        ({"bad_bands": [2, 4]}, {1, 3}),
        ({"bad_bands": [2, 3]}, {2, 3}),
        ({"bbl": [1, 1, 1, 1]}, set()),
        ({}, set()),
    ],
)
def test_bad_bands(attributes, expected):
    remarks = Remarks()
    assert read_bad_bands(attributes, [], (4,), remarks) == expected
    assert bool(remarks.doubts) == (attributes.get("bad_bands") in ([2, 4], [2, 3]))


def test_bad_bands_of_a_list_beside():
    lists = [("sensor_band_parameters/good_wavelengths", np.array([1.0, 0.0]), {})]
    remarks = Remarks()
    assert read_bad_bands({}, lists, (2,), remarks) == {1}
    assert remarks.notes == ["its sensor_band_parameters/good_wavelengths marks 1 bands as bad"]


@pytest.mark.parametrize(
    "attributes", [{"bbl": "good"}, {"bbl": [1, 0]}, {"bad_bands": [9]}, {"bad_bands": [0, 4]}]
)
def test_what_is_no_list_is_a_doubt(attributes):
    remarks = Remarks()
    assert read_bad_bands(attributes, [], (4,), remarks) == frozenset()
    assert len(remarks.doubts) == 1
