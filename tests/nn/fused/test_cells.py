"""Cells: the layout of the compiled blocks, and when these may be used."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bdgf.nn.fused import cells as cells_module
from bdgf.nn.fused.cells import (
    LANES,
    SharedCells,
    can_fuse,
    channels_first,
    padded,
    product_weights,
    resampled,
    row_length,
    run,
    weighted_sums,
)
from bdgf.nn.resampling import Resample, pooling_weights


@pytest.fixture(autouse=True)
def _any_processor(monkeypatch):
    monkeypatch.setattr(cells_module, "_wide_registers", lambda: True)


def test_lanes_are_those_of_the_kernels():
    from bdgf.nn import simd

    assert simd.LANES == LANES


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(1, 12), st.sampled_from([1, 4, 20]))
def test_cells_hold_a_grid_channel_by_channel(batch, size, channels):
    grid = torch.randn(batch, size, size, channels)
    cells = channels_first(grid)
    count = size * size
    assert (cells.count, cells.channels, cells.row) == (count, channels, row_length(count))
    assert torch.equal(cells.data[:, :, :count], grid.flatten(1, 2).transpose(1, 2))
    assert not cells.data[:, :, count:].any()
    turned = grid.transpose(1, 2)  # not contiguous
    assert torch.equal(
        channels_first(turned).data[:, :, :count], turned.flatten(1, 2).transpose(1, 2)
    )


@settings(deadline=None)
@given(st.sampled_from([(11, 6), (6, 3), (5, 3), (3, 1)]), st.sampled_from([4, 12]))
def test_resampling_and_sums_are_those_of_the_operators(sizes, channels):
    grid = torch.randn(3, sizes[0], sizes[0], channels)
    pool = Resample(pooling_weights(*sizes))
    cells = resampled(channels_first(grid), pool.matrix)
    expected = channels_first(pool(grid))
    assert cells.count == expected.count
    assert torch.allclose(cells.data, expected.data, atol=1e-5)
    weights = torch.randn(cells.count)
    sums = torch.einsum("n,bcn->bc", weights, expected.data[:, :, : cells.count])
    assert torch.allclose(weighted_sums(cells, weights), sums, atol=1e-5)


def test_products_take_in_norm_and_scale():
    torch.manual_seed(0)
    linear, norm = nn.Linear(8, 12), nn.LayerNorm(8)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    scale = torch.randn(12)
    x = torch.randn(5, 8)
    weight, bias = product_weights(linear, norm, scale)
    normal = nn.functional.layer_norm(x, (8,))
    assert torch.allclose(normal @ weight + bias, linear(norm(x)) * scale, atol=1e-5)
    plain, offset = product_weights(linear)
    assert torch.allclose(x @ plain + offset, linear(x), atol=1e-6)


def test_padding_is_zero():
    maps = padded(torch.ones(2, 33))
    assert maps.shape == (2, 64)
    assert maps[:, :33].all()
    assert not maps[:, 33:].any()


def test_several_threads_do_every_patch_once(two_threads):
    def kernel(first, last, shape, address):
        out[first:last] += 1

    out = torch.zeros(100)
    run(kernel, 100, 1 << 30, None, out)
    assert (out == 1).all()


@torch.no_grad()
def test_only_where_the_kernels_fit(monkeypatch):
    module, grid = nn.Identity().eval(), torch.randn(1, 3, 3, 8)
    assert can_fuse(module, grid)
    assert not can_fuse(nn.Identity().train(), grid)
    assert not can_fuse(module, grid.double())
    assert not can_fuse(module, torch.randn(1, 3, 3, 6))
    assert not can_fuse(module, grid.to("meta"))
    with torch.enable_grad():
        assert not can_fuse(module, grid)
    with torch.autocast("cpu", torch.bfloat16):
        assert not can_fuse(module, grid)
    monkeypatch.setattr(cells_module, "_wide_registers", lambda: False)
    assert not can_fuse(module, grid)


def test_shared_cells_are_made_once():
    grids = [torch.randn(2, 3, 3, 4), torch.randn(2, 2, 2, 4)]
    shared = SharedCells(grids)
    assert list(shared) == grids
    assert shared.cells(1) is shared.cells(1)
    assert torch.equal(shared.cells(1).data, channels_first(grids[1]).data)
