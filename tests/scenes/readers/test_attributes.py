import numpy as np
import pytest

from bdgf.scenes.readers.attribute_values import Remarks
from bdgf.scenes.readers.attributes import as_meant, read_packing

COUNTS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def read(attributes, values=COUNTS, bands=(1, 4), **options):
    remarks = Remarks()
    values, attributes = as_meant(values, attributes)
    return read_packing(attributes, values, bands, remarks, **options), remarks


@pytest.mark.parametrize(
    "name",
    ["_FillValue", "missing_value", "Data_Ignore_Value", "Data Ignore Value", "NoData", "NODATA",
     "no_data_value", "nodata_value", "fill_value", "FillValue", "ignore_value", "MissingValue",
     "missing_values"],
)  # fmt: skip
@pytest.mark.parametrize("value", [-9999.0, np.int16(-9999), "-9999", b"-9999.0", [-9999]])
def test_every_spelling_of_nodata_counts(name, value):
    packing, remarks = read({name: value})
    assert packing.nodata == ((-9999.0,),)
    assert remarks == Remarks()


def test_all_fills_count_together_and_once():
    packing, _ = read({"_FillValue": -1, "missing_value": [-2, -3], "NoData": "-1"})
    assert packing.nodata == ((-1.0, -2.0, -3.0),)


@pytest.mark.parametrize("value", [1e20, 0.1])
def test_fills_are_what_the_type_of_the_values_makes_of_them(value):
    values = np.full((2, 3), value, np.float32)
    packing, _ = read({"_FillValue": value}, values)
    assert np.all(values == np.array(packing.nodata[0], np.float32))
    assert packing.nodata[0][0] == float(np.float32(value))


@pytest.mark.parametrize(
    ("value", "doubt"),
    [
        (-9999, "its NoData -9999 does not fit uint8 values"),
        (0.5, "its NoData 0.5 does not fit uint8 values"),
        (np.inf, "its NoData inf does not fit uint8 values"),
        ("none", "its NoData 'none' is no number and hides nothing"),
        ([], "its NoData '' is no number and hides nothing"),
    ],
)
def test_malformed_fills_are_doubts(value, doubt):
    packing, remarks = read({"NoData": value}, np.zeros((2, 3), np.uint8))
    assert packing.nodata == ((),)
    assert remarks.doubts == [doubt]


def test_nan_is_no_fill_of_its_own():
    assert read({"_FillValue": np.nan})[0].nodata == ((),)
    assert read({"_FillValue": np.nan}, np.zeros((2, 3)))[0].nodata == ((),)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("said", ["true", "True", b"true", np.array("true")])
def test_unsigned_values_and_their_attributes(order, said):
    stored = np.array([[0, 127], [200, 255]], np.uint8).view(np.int8)
    attributes = {"_Unsigned": said, "_FillValue": np.int8(-1), "valid_range": np.int8([0, -6])}
    packing, _ = read(attributes, stored)
    values, _ = as_meant(stored, attributes)
    np.testing.assert_array_equal(values, [[0, 127], [200, 255]])
    assert packing.nodata == ((255.0,),)
    assert packing.valid_range == (0.0, 250.0)
    wide = np.array([1, 65535], f"{order}u2").view(f"{order}i2")
    np.testing.assert_array_equal(as_meant(wide, {"_Unsigned": said})[0], [1, 65535])


def test_signed_values_in_an_unsigned_type():
    attributes = {"_Unsigned": "false", "_FillValue": np.uint8(255)}
    values, _ = as_meant(np.uint8([[1, 255]]), attributes)
    np.testing.assert_array_equal(values, [[1, -1]])
    assert read(attributes, np.uint8([[1, 255]]))[0].nodata == ((-1.0,),)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"valid_range": np.int16([0, 9000])}, (0, 9000)),
        ({"Valid_Range": "0, 9000"}, (0, 9000)),
        ({"valid_min": 3}, (3, np.inf)),
        ({"valid_max": 3}, (-np.inf, 3)),
        ({"valid_min": 1, "valid_max": 3}, (1, 3)),
        # of the stored type: as stored, whatever the scale
        ({"valid_range": np.int16([0, 20]), "scale_factor": 0.5}, (0, 20)),
        # of the type of the scale: scaled
        ({"valid_range": [0.0, 5.0], "scale_factor": 0.5, "add_offset": 1.0}, (-2, 8)),
        ({"valid_range": [0.0, 5.0], "scale_factor": -0.5}, (-10, 0)),
        # of neither type: as stored, if any number lies in it
        ({"valid_range": [0, 20], "scale_factor": 0.5}, (0, 20)),
        ({"valid_range": [0, 1], "scale_factor": 1e-3, "_FillValue": 0}, (0, 1000)),
    ],
)
def test_valid_range(attributes, expected):
    values = COUNTS if attributes.get("_FillValue") is None else COUNTS * 40
    packing, _ = read(attributes, values)
    assert packing.valid_range == pytest.approx(expected)


@pytest.mark.parametrize("order", ["<", ">"])
def test_byte_order_is_no_other_type(order):
    attributes = {"valid_range": np.int16([0, 20]), "scale_factor": 0.5}
    assert read(attributes, COUNTS.astype(f"{order}i2"))[0].valid_range == (0, 20)


@pytest.mark.parametrize(
    "attributes",
    [
        {"valid_range": "all"},
        {"valid_range": 3},
        {"valid_range": [0, np.nan]},
        {"valid_min": [1, 2]},
        {"valid_range": [5, 0]},
        {"valid_range": [0.0, 1.0], "scale_factor": [0.1, 0.2, 0.3, 0.4]},
    ],
)
def test_what_is_no_range_is_a_doubt(attributes):
    packing, remarks = read(attributes)
    assert packing.valid_range is None
    assert len(remarks.doubts) == 1


@pytest.mark.parametrize(("value", "units"), [("dB", "dB"), (b"1", "1"), (3, ""), (None, "")])
def test_units(value, units):
    assert read({"Units": value})[0].units == units


def test_nothing_declared():
    packing, remarks = read({"long_name": "a cube", "history": 3})
    assert packing.fields() == {
        "nodata": ((),), "valid_range": None, "scale": (1.0,), "offset": (0.0,), "units": ""
    }  # fmt: skip
    assert remarks == Remarks()
