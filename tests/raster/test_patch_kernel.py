"""The compiled gather beside plain indexing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.raster.patch_kernel import Wanted, copy_patches
from bdgf.raster.patches import gather_cells, index_patches


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


def patch_offsets(size):
    """Row and column of each cell of an unturned patch."""
    span = torch.arange(size) - size // 2
    return torch.stack(torch.meshgrid(span, span, indexing="ij"))[None]


def test_several_maps_are_copied_in_one_pass_each_at_its_own_places():
    generator = torch.Generator().manual_seed(0)
    maps = [
        torch.randn(9, 8, 3, generator=generator),
        torch.randn(5, 4, 7, generator=generator).half(),
        torch.rand(9, 8, 1, generator=generator) > 0.5,
    ]
    rows, cols = torch.tensor([0, 4, 8]), torch.tensor([7, 3, 0])
    places = [(rows, cols), (rows // 2, cols // 2), (rows, cols)]
    offsets = [patch_offsets(size) for size in (5, 3, 1)]
    wanted = [Wanted(m, *p, o) for m, p, o in zip(maps, places, offsets, strict=True)]
    for found, one, at, size in zip(
        copy_patches(wanted, None), maps, places, (5, 3, 1), strict=True
    ):
        assert torch.equal(found, index_patches(one, *at, size))
