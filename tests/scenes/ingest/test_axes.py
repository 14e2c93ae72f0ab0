from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.axes import settle_axes
from bdgf.scenes.readers.raw_array import RawArray
from tests.scenes.ingest.raw_arrays import image, labels

ORDERS = [("y", "x", "band"), ("band", "y", "x"), ("x", "y", "band"), ("band", "x", "y")]


def values(rows, columns, bands=None):
    shape = (rows, columns) if bands is None else (rows, columns, bands)
    return np.arange(np.prod(shape)).reshape(shape)


def stored(array, order):
    return array.transpose([("y", "x", "band").index(axis) for axis in order])


def settled(*arrays, published=None, files=None, axes=None):
    found = [image(a, name=f"m{i}", axes=axes if i == 0 else None)[0] for i, a in enumerate(arrays)]
    if files:
        found = [replace(f, paths=(Path(p),)) for f, p in zip(found, files, strict=True)]
    shape, found = settle_axes("mine", found, published)
    return shape, [f.arrays[0] for f in found]


@settings(max_examples=30, deadline=None)
@given(order=st.sampled_from(ORDERS), sides=st.tuples(*[st.integers(2, 5)] * 3))
def test_named_axes_are_put_in_order(order, sides):
    array = values(*sides)
    hidden = array % 2 == 0
    raw = RawArray(stored(array, order), axes=order, masked=stored(hidden, order))
    shape, (read,) = settled(raw)
    assert shape == sides[:2]
    np.testing.assert_array_equal(read.values, array)
    np.testing.assert_array_equal(read.masked, hidden)


@pytest.mark.parametrize("order", ORDERS)
def test_the_scene_file_names_axes_that_the_raw_file_does_not(order):
    array = values(4, 4, 4)
    _, (read,) = settled(RawArray(stored(array, order)), axes=order)
    np.testing.assert_array_equal(read.values, array)


@pytest.mark.parametrize("order", [("y", "x", "band"), ("band", "y", "x")])
def test_sizes_tell_the_order(order):
    array = values(4, 5, 3)
    _, (_, read) = settled(RawArray(values(4, 5)), RawArray(stored(array, order)))
    np.testing.assert_array_equal(read.values, array)


def test_reversed_axes_are_found_where_sizes_tell():
    array = values(4, 5, 3)
    reversed_cube = RawArray(array.T, maybe_reversed=True)
    _, (_, read) = settled(RawArray(values(4, 5)), reversed_cube)
    np.testing.assert_array_equal(read.values, array.transpose(0, 1, 2))
    assert "band, x, y" in read.notes[0]
    _, (_, flat) = settled(RawArray(values(4, 5)), RawArray(values(4, 5).T, maybe_reversed=True))
    np.testing.assert_array_equal(flat.values[..., 0], values(4, 5))


@pytest.mark.parametrize(
    "array",
    [
        RawArray(values(4, 4, 4)),
        RawArray(values(3, 4, 4), maybe_reversed=True),
        RawArray(values(4, 4), maybe_reversed=True),
    ],
)
def test_two_orders_that_fit_are_an_error_with_the_way_out(array):
    with pytest.raises(SceneError, match=r"m1.*order of its axes is ambiguous.*`axes:`"):
        settled(RawArray(values(4, 4)), array)


def test_another_array_of_the_file_tells_the_order():
    order = RawArray(values(4, 4, 3), maybe_reversed=True)  # (y, x, band): not reversed
    plane = RawArray(values(4, 4), maybe_reversed=True)
    files = ["a.tif", "b.h5", "b.h5"]
    _, read = settled(RawArray(values(4, 4), axes=("y", "x")), order, plane, files=files)
    np.testing.assert_array_equal(read[2].values[..., 0], values(4, 4))


def test_one_file_alone_is_taken_as_it_lies():
    arrays = [
        RawArray(values(3, 4, 4), maybe_reversed=True),
        RawArray(values(4, 4), maybe_reversed=True),
    ]
    _, (cube, _) = settled(*arrays, files=["a.h5", "a.h5"])
    np.testing.assert_array_equal(cube.values, values(3, 4, 4).transpose(1, 2, 0))


def test_single_axes_go_and_band_axes_join():
    _, (read,) = settled(RawArray(values(4, 5, 3)[None], axes=("time", "y", "x", "band")))
    assert read.values.shape == (4, 5, 3)
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    with pytest.raises(SceneError, match=r"with the axes time, band, y, x, .*`axes:`"):
        settled(RawArray(array, axes=("time", "band", "y", "x")))
    _, (read,) = settled(RawArray(array), axes=("band", "band", "y", "x"))
    np.testing.assert_array_equal(read.values, array.reshape(6, 4, 5).transpose(1, 2, 0))


def test_a_mask_of_rows_and_columns_follows_axes_that_overrule_the_file():
    array = values(4, 4, 3)
    hidden = values(4, 4) % 3 == 0
    raw = RawArray(stored(array, ("x", "y", "band")), axes=("y", "x", "band"), masked=hidden.T)
    _, (read,) = settled(raw, axes=("x", "y", "band"))
    np.testing.assert_array_equal(read.masked, np.repeat(hidden[..., None], 3, axis=2))


@pytest.mark.parametrize(
    ("array", "axes", "message"),
    [
        (RawArray(values(4, 5)), ("y", "x", "band"), "`axes` names 3 axes"),
        (RawArray(np.array(3)), None, "a single number, not rows x columns"),
        (RawArray(np.zeros((0, 4))), None, "is empty"),
    ],
)
def test_what_cannot_be_an_image_is_said(array, axes, message):
    with pytest.raises(SceneError, match=message):
        settled(array, axes=axes)


def test_turned_sizes_hint_at_axes():
    with pytest.raises(SceneError, match=r"m0\d\.dat is 4x5 pixels but m10\.dat is 5x4.*`axes:`"):
        settled(RawArray(values(4, 5)), RawArray(values(5, 4)))


def test_labels_take_part(tmp_path):
    found = [image(RawArray(values(3, 4, 5)))[0], labels(RawArray(values(4, 5)))]
    shape, read = settle_axes("mine", found, None)
    assert shape == (4, 5)
    assert read[0].arrays[0].values.shape == (4, 5, 3)
