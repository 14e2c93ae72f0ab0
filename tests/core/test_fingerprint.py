"""Fingerprints: equal where everything is equal, and else not."""

import string

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bdgf.core.fingerprint import fingerprint
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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_tensors_are_told_by_their_bits_whatever_their_layout_and_gradient(dtype):
    tensor = torch.arange(12.0).reshape(3, 4).to(dtype)
    found = fingerprint(tensor)
    assert fingerprint(tensor.clone().requires_grad_()) == found
    assert fingerprint(tensor.T.contiguous().T) == found
    assert fingerprint(tensor + 1) != found
    assert fingerprint(tensor.reshape(4, 3)) != found


def test_settings_are_told_by_what_they_hold():
    assert fingerprint(Sizes(width=3)) == fingerprint(Sizes())
    assert fingerprint(Sizes(width=4)) != fingerprint(Sizes())
    assert fingerprint(OtherSizes()) != fingerprint(Sizes())


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes"])
def test_what_has_no_fingerprint_is_refused(value):
    with pytest.raises(TypeError):
        fingerprint(value)
