import numpy as np
import pytest

from bdgf.scenes.readers.attribute_values import Remarks
from bdgf.scenes.readers.scale_attributes import read_offset, read_scale

COUNTS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def scale(attributes, values=COUNTS, bands=(1, 4), is_cf=False):
    remarks = Remarks()
    return read_scale(attributes, values, bands, remarks, is_cf), remarks


@pytest.mark.parametrize(
    ("attributes", "expected", "words"),
    [
        ({"scale_factor": 0.002}, 0.002, None),
        ({"scale_factor": -2.0}, -2.0, None),
        ({"scale_factor": 1.0}, 1.0, None),
        ({"scale_factor": 10000.0}, 10000.0, "doubt: multiplies, as CF says"),
        ({"scale_factor": 1e4, "Data_Ignore_Value": -1}, 1e-4, "doubt: is taken to divide"),
        ({"scale_factor": 1e4, "_FillValue": -1}, 1e4, "doubt: multiplies"),
        ({"scale_factor": 1e4, "units": "Reflectance"}, 1e-4, "doubt: is taken to divide"),
        ({"Scale_Factor": 10000.0}, 1e-4, "note: divides: it is above 1"),
        ({"Scale Factor": 10000}, 1e-4, "note: divides"),
        ({"SCALE_FACTOR": "10000"}, 1e-4, "note: divides"),
        ({"scale": np.float32([1e4])}, 1e-4, "note: divides"),
        ({"Scale_Factor": 0.0001}, 1e-4, None),
        ({"Scale": 1}, 1.0, None),
        ({"gain": 2.5}, 2.5, None),
        ({"reflectance scale factor": 10000}, 1e-4, "note: divides, as that name says"),
        ({"Reflectance_Scale_Factor": 100.0}, 1e-2, "note: divides, as that name says"),
        ({"reflectance_scale_factor": 0.5}, 2.0, "doubt: although it is below 1"),
        ({}, 1.0, None),
    ],
)
def test_multiplies_or_divides(attributes, expected, words):
    found, remarks = scale(attributes)
    assert found == pytest.approx((expected,))
    told = [f"note: {n}" for n in remarks.notes] + [f"doubt: {d}" for d in remarks.doubts]
    kind, _, part = (words or "").partition(": ")
    assert len(told) == bool(words)
    assert all(line.startswith(kind) and part in line for line in told)


def test_cf_files_keep_to_cf():
    found, remarks = scale({"scale_factor": 1e4, "Data_Ignore_Value": -1}, is_cf=True)
    assert found == (1e4,)
    assert "multiplies" in remarks.doubts[0]


def test_whole_numbers_in_floats_divide_and_others_multiply():
    assert scale({"Scale_Factor": 1e4}, COUNTS.astype(np.float32))[0] == pytest.approx((1e-4,))
    found, remarks = scale({"Scale_Factor": 1e4}, COUNTS + 0.25)
    assert found == (1e4,)
    assert "taken to multiply" in remarks.doubts[0]


def test_one_a_band():
    assert scale({"scale_factor": [0.1, 0.2, 0.3, 0.4]})[0] == (0.1, 0.2, 0.3, 0.4)
    assert scale({"Scale_Factor": [1e4, 1e4, 1e4, 2e4]})[0] == (1e-4, 1e-4, 1e-4, 5e-5)
    assert scale({"scale_factor": [0.5] * 7})[0] == (0.5,)
    found, remarks = scale({"scale_factor": [0.1, 0.2, 0.3]}, bands=(4,))
    assert found == (1.0,)
    assert "has 3 numbers, which is not the number of bands" in remarks.doubts[0]


@pytest.mark.parametrize("value", ["linear", 0, np.nan, [], b"\xff", np.inf])
def test_malformed_scales_are_doubts(value):
    found, remarks = scale({"scale_factor": value})
    assert found == (1.0,)
    assert len(remarks.doubts) == 1
    assert "is not applied" in remarks.doubts[0]


def test_two_that_differ_and_one_that_is_unknown():
    found, remarks = scale({"Scale_Factor": 0.5, "scale_factor": 0.1})
    assert found == (0.1,)
    assert remarks.doubts == ["its scale_factor and its Scale_Factor differ; scale_factor counts"]
    found, remarks = scale({"radiance_scales": [0.1, 0.2, 0.3, 0.4]})
    assert found == (1.0,)
    assert remarks.doubts == ["its attribute radiance_scales is not understood and not applied"]


def test_offsets():
    remarks = Remarks()
    assert read_offset({"add_offset": -0.1}, (1,), remarks) == (-0.1,)
    assert read_offset({"Offset": b"3"}, (1,), remarks) == (3.0,)
    assert read_offset({"offset": [1, 2]}, (2,), remarks) == (1.0, 2.0)
    assert remarks == Remarks()
    assert read_offset({"offset": "far"}, (1,), remarks) == (0.0,)
    assert remarks.doubts == ["its offset 'far' is no number and is not applied"]
