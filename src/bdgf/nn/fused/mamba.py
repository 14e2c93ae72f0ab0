"""The Mamba block in the layout of the compiled blocks."""
# ruff: noqa: N803 - A, B, C and D are the papers' names

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from bdgf.nn.fused.cells import LANES, Cells, row_length, run
from bdgf.nn.mamba import BidirectionalMamba

_FEWEST = 4
"""Cells that products take at once."""


def can_fuse_scans(cells: int, width: int, scan: BidirectionalMamba) -> bool:
    """Whether the kernel fits: whole vectors of channels, and the scan's own CPU backend."""
    return (
        cells >= _FEWEST
        and width % LANES == 0
        and scan.d_inner % LANES == 0
        and scan.backend in ("auto", "cpu")
        and scan.in_proj.bias is None
        and scan.out_proj.bias is None
    )


def mix_by_scans(cells: Cells, order: Tensor, norm: nn.LayerNorm, scan: BidirectionalMamba) -> None:
    """Adds to cells, in place, what a scan in both directions makes of their norm.

    Args:
        cells: The cells.
        order: (cells,) int64, the place of each step of the scan.
        norm: The norm.
        scan: The scan.
    """
    from bdgf.nn.fused.mamba_kernel import mamba_block

    channels, count, row = cells.channels, cells.count, cells.row
    depth, states, rank = scan.d_inner, scan.d_state, scan.dt_rank
    outputs = row_length(rank + 2 * states)
    weight = scan.in_proj.weight
    weights = (
        (weight * norm.weight).t().contiguous(),
        torch.mv(weight, norm.bias),
        scan.out_proj.weight.t().contiguous(),
    )
    onward = scan.conv1d, scan.x_proj, scan.dt_proj, scan.A_log, scan.D
    back = scan.conv1d_b, scan.x_proj_b, scan.dt_proj_b, scan.A_b_log, scan.D_b
    taps = scan.conv1d.kernel_size[0]
    run(
        mamba_block,
        len(cells.data),
        len(cells.data) * count * depth * (4 * channels + 2 * outputs + 32 * states),
        ((channels, count, row), (depth, states, rank, outputs, taps), norm.eps),
        *(cells.data, order.to(torch.float32)),
        *(weights, _direction(*onward, outputs), _direction(*back, outputs)),
        scratch=count * (2 * channels + 6 * depth + outputs)
        + channels * row
        + (1 + 2 * states) * LANES,
    )


def _direction(
    conv: nn.Conv1d, split: nn.Linear, step: nn.Linear, A_log: Tensor, D: Tensor, outputs: int
) -> tuple[Tensor, ...]:
    bias = torch.zeros(conv.out_channels) if conv.bias is None else conv.bias
    return (
        conv.weight[:, 0].t().contiguous(),
        bias,
        functional.pad(split.weight, (0, 0, 0, outputs - split.out_features)).t().contiguous(),
        step.weight.t().contiguous(),
        (-torch.exp(A_log) * math.log2(math.e)).t().contiguous(),
        D.contiguous(),
        step.bias,
    )
