"""The compiled Mamba block, against the operators that it replaces."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bdgf.nn.fused.cells import channels_first
from bdgf.nn.fused.mamba import can_fuse_scans, mix_by_scans
from bdgf.nn.mamba import BidirectionalMamba


@settings(deadline=None)
@given(
    st.integers(2, 6),
    st.sampled_from([32, 64]),
    st.integers(1, 2),
    st.integers(1, 9),
    st.integers(1, 4),
    st.booleans(),
)
@torch.no_grad()
def test_it_gives_what_the_module_gives(size, width, expand, states, taps, biased):
    torch.manual_seed(0)
    scan = BidirectionalMamba(
        width, expand=expand, d_state=states, d_conv=taps, conv_bias=biased, backend="reference"
    )
    norm = nn.LayerNorm(width)
    for parameter in (*norm.parameters(), scan.D, scan.D_b):
        nn.init.normal_(parameter, mean=1, std=0.3)
    order = torch.randperm(size * size)
    grid = torch.randn(3, size, size, width)
    sequence = norm(grid).flatten(1, 2)[:, order]
    expected = grid + scan(sequence)[:, order.argsort()].view_as(grid)
    cells = channels_first(grid)
    mix_by_scans(cells, order, norm, scan)
    found = cells.data[:, :, : cells.count].transpose(1, 2).view_as(grid)
    assert torch.allclose(found, expected, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize(
    ("cells", "width", "options", "fits"),
    [
        (9, 32, {}, True),
        (9, 32, {"backend": "cpu"}, True),
        (3, 32, {}, False),
        (9, 16, {}, False),
        (9, 16, {"expand": 2}, False),
        (9, 32, {"bias": True}, False),
        (9, 32, {"backend": "reference"}, False),
    ],
)
def test_which_sizes_fit(cells, width, options, fits):
    assert can_fuse_scans(cells, width, BidirectionalMamba(width, **options)) == fits
