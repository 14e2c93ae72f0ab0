"""One number for how evenly something is spread."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.diffusion.masking.balance_index import balance_index


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5), st.floats(0.1, 10))
def test_it_lies_between_none_and_one_whatever_the_unit_and_the_order(explained, unit):
    explained = torch.tensor(explained)
    found = balance_index(explained)
    assert 0 < found <= 1
    assert balance_index(explained * unit) == pytest.approx(found, rel=1e-4)
    assert balance_index(explained.flip(0)) == found


@pytest.mark.parametrize(
    ("explained", "wanted"),
    [([0.3, 0.3], 1), ([0.2, 0.8], 0.25), ([0, 0.8], 0), ([-0.1, 0.8], 0), ([0, 0], 0)],
)
def test_it_is_the_lowest_over_the_highest(explained, wanted):
    assert balance_index(torch.tensor(explained)) == pytest.approx(wanted)
