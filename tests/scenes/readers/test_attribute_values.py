import h5py
import numpy as np
import pytest

from bdgf.scenes.readers.attribute_values import numbers, plain_name, shown, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-9999.0, [-9999]),
        (np.int16([1, 2]), [1, 2]),
        ("-9999", [-9999]),
        (b"1e4\x00", [10000]),
        ("{0.1, 0.2}", [0.1, 0.2]),
        ("10000 20000", [10000, 20000]),
        (np.array(["1", "2"], object), [1, 2]),
        ("nan", [np.nan]),
        ("none", None),
        ("", None),
        (None, None),
        ([], None),
        (h5py.Empty("f4"), None),
        (np.zeros(1, [("a", "i4")]), None),
    ],
)
def test_numbers_of_whatever_a_writer_made_of_them(value, expected):
    found = numbers(value)
    if expected is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, expected)


def test_numbers_keep_their_type():
    assert numbers(np.int16(3)).dtype == np.int16


def test_names_and_texts():
    assert plain_name("Data_Ignore Value") == plain_name("data-ignore-value") == "dataignorevalue"
    assert text(b"nm\x00") == text(np.array(["nm"], object)) == text(" nm ") == "nm"
    assert text(3.0) == text(None) == ""
    assert shown(np.arange(9)) == "0, 1, 2, 3, ..."
    assert shown("a" * 90) == "a" * 60
