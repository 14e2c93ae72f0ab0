"""Fingerprints: equal where everything is equal, and else not."""

import string

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bdgf.core import fingerprint as module
from bdgf.core.fingerprint import content_digest, fingerprint
from bdgf.core.mapped_file import mapped_array
from bdgf.core.settings import Settings

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
some_array = arrays.arrays(
    st.sampled_from([np.uint8, np.int64, np.float16, np.float32, np.bool_]),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


class Sizes(Settings):
    width: int = 3


class OtherSizes(Settings):
    width: int = 3
    depth: int = 1


@settings(max_examples=50, deadline=None)
@given(plain)
def test_it_is_sixteen_hexadecimal_digits_and_the_same_again(value):
    found = fingerprint(value)
    assert len(found) == 16
    assert set(found) <= set(string.hexdigits.lower())
    assert fingerprint(value) == found


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), plain | some_array, min_size=2, max_size=5))
def test_the_order_of_keys_decides_nothing(value):
    assert fingerprint(dict(reversed(value.items()))) == fingerprint(value)


def test_the_order_of_parts_matters():
    assert fingerprint("a", "b") != fingerprint("b", "a")


def as_told_apart(value):
    """A value whose text is another one wherever the fingerprint should be."""
    if isinstance(value, dict):
        return {repr(key): as_told_apart(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_told_apart(item) for item in value]
    return repr(value)


# Few short values, so that two draws are often nearly alike.
alike = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 12, 23, 1.0, -0.0, 0.0, "", "1", "a", "b", "ab"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["", "a", "b", "ab"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=500, deadline=None)
@given(st.lists(alike, max_size=3), st.lists(alike, max_size=3))
def test_two_fingerprints_are_equal_where_the_parts_are_and_nowhere_else(one, other):
    same = as_told_apart(one) == as_told_apart(other)
    assert (fingerprint(*one) == fingerprint(*other)) == same


@settings(max_examples=200, deadline=None)
@given(plain, st.integers(0, 5))
def test_where_parts_and_lists_end_matters(value, place):
    text = repr(value) + "end"
    place = min(place, len(text))
    assert fingerprint(text[:place], text[place:]) != fingerprint(text)
    assert fingerprint(value, value) != fingerprint([value, value])
    assert fingerprint([value], value) != fingerprint([value, value])
    assert fingerprint([[value]]) != fingerprint([value])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, 23), (12, 3)),
        (({"a": {"b": 1}},), ({"a": {}, "b": 1},)),
        (({"a": 1}, {"b": 2}), ({"a": 1, "b": 2},)),
        (({1: "a"},), ({"1": "a"},)),
        ((True,), (1,)),
        ((1,), (1.0,)),
        ((None,), ("null",)),
        (({"a": np.zeros(2), "b": []},), ({"a": np.zeros(2)}, [])),
    ],
)
def test_parts_of_another_kind_or_nesting_are_others(one, other):
    assert fingerprint(*one) != fingerprint(*other)


def test_it_is_the_beginning_of_the_content_digest():
    assert len(content_digest("a", [1])) == 64
    assert content_digest("a", [1]).startswith(fingerprint("a", [1]))


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<i2", ">i2", "<M8[D]", ">M8[D]", "<U3", ">U3"])
def test_the_order_of_bytes_decides_nothing(kind):
    array = np.array([1, 2, 3]).astype(kind)
    swapped = array.astype(array.dtype.newbyteorder())
    assert fingerprint(swapped) == fingerprint(array)


@settings(max_examples=50, deadline=None)
@given(some_array)
def test_arrays_are_told_by_values_shape_and_kind_and_not_by_their_layout(array):
    found = fingerprint(array)
    assert fingerprint(array.copy(order="F")) == found
    assert fingerprint(array[None]) != found
    assert fingerprint(array.astype(np.float64)) != found


@pytest.mark.parametrize("index", [0, 57, 119])
def test_a_single_bit_matters(index):
    array = np.zeros((4, 5, 6), np.float32)
    changed = array.copy()
    changed.flat[index] = -0.0  # equal as a number
    assert fingerprint(changed) != fingerprint(array)


FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
FLOATS += [torch.float8_e4m3fn, torch.float8_e5m2]
KINDS = [*FLOATS, torch.complex64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]


@pytest.mark.parametrize("dtype", FLOATS)
def test_tensors_are_told_by_their_bits_whatever_their_layout_and_gradient(dtype):
    tensor = torch.arange(12.0).reshape(3, 4).to(dtype)
    found = fingerprint(tensor)
    assert fingerprint(tensor.clone().requires_grad_()) == found
    assert fingerprint(tensor.T.contiguous().T) == found
    assert fingerprint((tensor.float() + 1).to(dtype)) != found
    assert fingerprint(tensor.reshape(4, 3)) != found


@pytest.mark.parametrize("shape", [(), (3,), (0, 2)])
def test_tensors_of_other_number_types_are_others(shape):
    kinds = [*KINDS, torch.bool]
    assert len({fingerprint(torch.zeros(shape, dtype=kind)) for kind in kinds}) == len(kinds)
    assert fingerprint(torch.zeros(shape)) != fingerprint(np.zeros(shape, np.float32))


def test_settings_are_told_by_what_they_hold():
    assert fingerprint(Sizes(width=3)) == fingerprint(Sizes())
    assert fingerprint(Sizes(width=4)) != fingerprint(Sizes())
    assert fingerprint(OtherSizes()) != fingerprint(Sizes())


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        object(),
        b"bytes",
        np.array([None]),
        torch.eye(2).to_sparse(),
        [{"a": object()}],
    ],
)
def test_what_has_no_fingerprint_is_refused(value):
    with pytest.raises(TypeError):
        fingerprint(value)


def test_an_array_in_a_file_has_the_fingerprint_of_the_same_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PIECE", 100)
    values = np.random.default_rng(0).random((7, 11, 3), np.float32)
    stored = mapped_array(values.shape, np.float32, tmp_path)
    stored[:] = values
    assert fingerprint(stored) == fingerprint(values)
    assert fingerprint(stored.T) == fingerprint(values.T)
