"""Customary fill values, as float32 holds them."""

import numpy as np

from bdgf.scenes.fill_values import CUSTOMARY_FILLS, is_customary_fill


def test_fill_values_are_known_in_float32() -> None:
    assert is_customary_fill(np.array(CUSTOMARY_FILLS, np.float32)).all()
    assert is_customary_fill(np.float32([1e20, 2**32 - 1, np.finfo(np.float32).min])).all()


def test_what_is_measured_everywhere_is_none() -> None:
    assert not is_customary_fill(np.float32([0, 1, -1, 255, 9999, 10000, -9998, 1e19])).any()
