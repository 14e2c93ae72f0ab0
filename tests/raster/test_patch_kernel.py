"""The compiled gather beside plain indexing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.raster.patches import (
    gather_cells,
    index_patches,
)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5)),
    radius=st.integers(0, 5),
    dtype=st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool]),
    count=st.integers(0, 6),
    seed=st.integers(0, 99),
    turned=st.booleans(),
)
def test_the_compiled_gather_equals_indexing(shape, radius, dtype, count, seed, turned):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randint(2 if dtype == torch.bool else 90, shape, generator=generator).to(dtype)
    # Centres may lie outside the map: a block of rows ends before its patches do.
    rows, cols = (torch.randint(-3, side + 3, (count,), generator=generator) for side in shape[:2])
    symmetry = torch.randint(8, (count,), generator=generator) if turned else None
    arguments = (rows, cols, 2 * radius + 1, symmetry)
    fast, plain = gather_cells(maps, *arguments), index_patches(maps, *arguments)
    assert fast.dtype == dtype
    assert torch.equal(fast, plain)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_many_windows_are_gathered_alike_by_any_number_of_threads(threads):
    maps = torch.randn(64, 50, 24, generator=torch.Generator().manual_seed(0))
    rows, cols = torch.arange(2000) % 64, torch.arange(2000) % 50
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = gather_cells(maps, rows, cols, 11)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found, index_patches(maps, rows, cols, 11))
