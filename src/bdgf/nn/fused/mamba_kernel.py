"""The compiled Mamba block of a patch network; see `kernels.py` for what holds of all kernels.

The scan works along the cells, so that within the block a cell is a row of whole vectors of
channels: (cells, D). The reordering of the cells costs nothing, as each is read on its own.
"""
# mypy: disable-error-code="no-untyped-def"

import numpy as np

from bdgf.nn.fused.kernels import FLOAT
from bdgf.nn.fused.operations import row_product, standardise
from bdgf.nn.selective_scan.cpu_kernels import scan_forward
from bdgf.nn.simd import (
    LANES,
    add,
    called,
    fma,
    kernel,
    load,
    load_one,
    mul,
    sigmoid,
    store,
    store_one,
)

_ZERO = np.float32(0)


@called
def convolve(x, taps, bias, out, shape, reverse):
    """SiLU of the causal convolution of rows (D,) of a wider `x`, backwards if `reverse`.

    `shape` is (rows, D, length of a row of `x`, taps); `taps` are (taps, D), the last one is that
    of the row itself.
    """
    rows, depth, stride, count = shape
    for at in range(0, depth, LANES):
        for t in range(rows):
            found = load(bias, at)
            for tap in range(count):
                back = count - 1 - tap
                source = t + back if reverse else t - back
                if 0 <= source < rows:
                    found = fma(load(taps, tap * depth + at), load(x, source * stride + at), found)
            store(out, t * depth + at, mul(found, sigmoid(found)))


@kernel
def mamba_block(first, last, shape, x, order, weights, onward, back, scratch):
    """Scans in both directions, in place; see `MambaBlock` and `BidirectionalMamba`.

    Args:
        first: The first patch.
        last: One past the last one.
        shape: (C, cells, S), (D, N, rank of the step sizes, their projection's outputs, taps), the
            norm's epsilon.
        x: (B, C, S).
        order: (cells,) place of each step of the scan, as float32.
        weights: Of the input (C, 2 D) and its bias, of the output (D, C).
        onward: Of a direction: taps (taps, D) and bias (D,); the projection to step sizes, B and C
            (D, outputs); that of the step sizes (rank, D); -exp(A) log2(e) (N, D), D (D,), bias of
            the step sizes (D,).
        back: The same of the other direction.
        scratch: cells (2 C + 6 D + outputs) + C S numbers, and (1 + 2 N) LANES for the scan.
    """
    (channels, cells, row), (depth, states, rank, outputs, taps), epsilon = shape
    in_w, in_b, out_w = weights
    size = channels * row * FLOAT
    normal = scratch
    tokens = normal + size
    pair = tokens + cells * channels * FLOAT
    u = pair + 2 * cells * depth * FLOAT
    step = u + cells * depth * FLOAT
    y = step + cells * depth * FLOAT
    other = y + cells * depth * FLOAT
    projected = other + cells * depth * FLOAT
    result = projected + cells * outputs * FLOAT
    of_scan = result + cells * channels * FLOAT
    scan_size = (1, cells, depth, states)
    for patch in range(first, last):
        grid = x + patch * size
        standardise(grid, normal, (channels, row), epsilon)
        for t in range(cells):
            place = int(load_one(order, t))
            for c in range(channels):
                store_one(tokens, t * channels + c, load_one(normal, c * row + place))
        row_product(tokens, in_w, in_b, pair, (cells, channels, 2 * depth, channels))
        for direction in range(2):
            taps_w, taps_b, split_w, step_w, rates, skip, step_b = (
                onward if direction == 0 else back
            )
            out = y if direction == 0 else other
            reverse = direction == 1
            convolve(pair, taps_w, taps_b, u, (cells, depth, 2 * depth, taps), reverse)
            row_product(u, split_w, 0, projected, (cells, depth, outputs, depth))
            row_product(projected, step_w, 0, step, (cells, rank, depth, outputs))
            scan_forward(
                0,
                depth // LANES,
                scan_size,
                (True, True, reverse),
                (u, cells * depth, depth),
                (step, cells * depth, depth),
                (pair + depth * FLOAT, 2 * cells * depth, 2 * depth),
                (projected + rank * FLOAT, cells * outputs, outputs),
                (projected + (rank + states) * FLOAT, cells * outputs, outputs),
                (rates, skip, step_b),
                out,
                0,
                of_scan,
            )
        for at in range(0, cells * depth, LANES):
            store(y, at, add(load(y, at), load(other, at)))
        row_product(y, out_w, 0, result, (cells, depth, channels, depth))
        for t in range(cells):
            place = int(load_one(order, t))
            for c in range(channels):
                here = c * row + place
                store_one(grid, here, load_one(grid, here) + load_one(result, t * channels + c))
