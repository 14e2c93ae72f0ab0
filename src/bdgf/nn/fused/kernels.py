"""Compiled kernels of a patch network's blocks: forward only, float32, on a CPU.

A patch is a matrix (C, S): a row a channel, a column a cell; S is the number of cells, rounded up
to whole vectors, and what the columns behind the last cell hold is never looked at. Vectors run
along the cells, so that norms and softmax need no sum across lanes, and any number of channels
that four divides does. A block's intermediate results stay in the second-level cache: operator by
operator, a batch's would go to memory and back a dozen times.

A kernel works through the patches `first..last` of a batch (B, C, S). Arrays are addresses, see
`bdgf.nn.simd`. Weights of products are (inputs, outputs), with the scale and shift of the norm
before them multiplied in. The modules' `forward` has the equations.
"""
# mypy: disable-error-code="no-untyped-def"

import numpy as np

from bdgf.nn.fused.operations import attend, plus, product, standardise
from bdgf.nn.simd import (
    LANES,
    fill,
    fma,
    kernel,
    load,
    load_one,
    mul,
    store,
    store_one,
    total,
)

_ZERO = np.float32(0)
FLOAT = 4
"""Bytes of a number."""


@kernel
def transformer_block(first, last, shape, x, weights, scratch):
    """Self-attention and channel mixer, in place; see `TransformerBlock`.

    Args:
        first: The first patch.
        last: One past the last one.
        shape: (C, cells, S, heads, hidden), the norms' epsilons.
        x: (B, C, S).
        weights: Positions (C, S); query, key and value; output; first and second of the mixer: each
            a product's weights and bias.
        scratch: (4 C + hidden) S + (cells + 3) LANES numbers.
    """
    (channels, cells, row, heads, hidden), (epsilon, mix_epsilon) = shape
    positions, joined_w, joined_b, out_w, out_b, up_w, up_b, down_w, down_b = weights
    size = channels * row * FLOAT
    depth = channels // heads
    normal, joined = scratch, scratch + size
    inner = scratch + 4 * size
    scores = inner + hidden * row * FLOAT
    for patch in range(first, last):
        grid = x + patch * size
        plus(grid, positions, channels * row)
        standardise(grid, normal, (channels, row), epsilon)
        product(normal, joined_w, joined_b, joined, (channels, 3 * channels, row), False)
        for head in range(heads):
            part = head * depth * row * FLOAT
            attend(
                joined + part,
                joined + size + part,
                joined + 2 * size + part,
                normal + part,
                (depth, row, cells, row),
                scores,
            )
        product(normal, out_w, out_b, joined, (channels, channels, row), False)
        plus(grid, joined, channels * row)
        standardise(grid, normal, (channels, row), mix_epsilon)
        product(normal, up_w, up_b, inner, (channels, hidden, row), True)
        product(inner, down_w, down_b, joined, (hidden, channels, row), False)
        plus(grid, joined, channels * row)


@kernel
def cnn_block(first, last, shape, x, weights, scratch):
    """Depthwise convolution and channel mixer, in place; see `CnnBlock`.

    Args:
        first: The first patch.
        last: One past the last one.
        shape: (C, width of the grid, S, width of the kernel, hidden), the norm's epsilon.
        x: (B, C, S).
        weights: Per column of the kernel whether a cell's neighbour there exists (kernel, S), 1 or
            0; the convolution's (C, kernel, kernel) and bias; first and second of the mixer: each
            a product's weights and bias.
        scratch: (2 C + hidden + 1) S + kernel * (grid + 1) numbers.
    """
    (channels, grid, row, kernel, hidden), epsilon = shape
    exists, taps, bias, up_w, up_b, down_w, down_b = weights
    size, half = channels * row * FLOAT, kernel // 2
    mixed, result, inner = scratch, scratch + size, scratch + 2 * size
    line, margin = inner + hidden * row * FLOAT, half * (grid + 1)
    for at in range(margin):  # around a line there is nothing
        store_one(line, at, _ZERO)
        store_one(line, margin + row + at, _ZERO)
    for patch in range(first, last):
        cells = x + patch * size
        for c in range(channels):
            for at in range(0, row, LANES):
                inside = load(exists, half * row + at)
                store(line, margin + at, mul(load(cells, c * row + at), inside))
            for at in range(0, row, LANES):
                found = fill(load_one(bias, c))
                for column in range(kernel):
                    part = fill(_ZERO)
                    for line_of in range(kernel):
                        tap = load_one(taps, (c * kernel + line_of) * kernel + column)
                        off = (line_of - half) * grid + column - half
                        part = fma(fill(tap), load(line, margin + at + off), part)
                    found = fma(load(exists, column * row + at), part, found)
                store(mixed, c * row + at, found)
        standardise(mixed, mixed, (channels, row), epsilon)
        product(mixed, up_w, up_b, inner, (channels, hidden, row), True)
        product(inner, down_w, down_b, result, (hidden, channels, row), False)
        plus(cells, result, channels * row)


@kernel
def feature_fusion(first, last, shape, x, features, weights, scratch):
    """Guides (B, C, S) by (B, G, S), in place; see `FeatureFusion`.

    Args:
        first: The first patch.
        last: One past the last one.
        shape: (C, G, S), the norm's epsilon.
        x: (B, C, S).
        features: (B, G, S).
        weights: The product's weights and bias for the grid, and its weights for the features.
        scratch: 2 C S numbers.
    """
    (channels, width, row), epsilon = shape
    own_w, own_b, their_w = weights
    size = channels * row * FLOAT
    for patch in range(first, last):
        cells = x + patch * size
        standardise(cells, scratch, (channels, row), epsilon)
        product(scratch, own_w, own_b, scratch + size, (channels, channels, row), False)
        guide = features + patch * width * row * FLOAT
        product(guide, their_w, 0, scratch + size, (width, channels, row), True)
        plus(cells, scratch + size, channels * row)


@kernel
def cross_attention(first, last, shape, x, features, weights, scratch):
    """Guides (B, C, S) by (B, G, S'), in place; see `CrossAttention`.

    Args:
        first: The first patch.
        last: One past the last one.
        shape: (C, S, heads), (G, cells of the features, S'), the norm's epsilon.
        x: (B, C, S).
        features: (B, G, S').
        weights: The query's weights and bias, and positions (C, S); those of key and value, and
            positions (C, S'); the output's weights and bias.
        scratch: 2 C (S + S') + (cells of the features + 3) LANES numbers.
    """
    (channels, row, heads), (width, cells, their_row), epsilon = shape
    query_w, query_b, query_at, pair_w, pair_b, key_at, out_w, out_b = weights
    size, their_size = channels * row * FLOAT, channels * their_row * FLOAT
    depth = channels // heads
    normal, query, pair = scratch, scratch + size, scratch + 2 * size
    scores = pair + 2 * their_size
    for patch in range(first, last):
        grid = x + patch * size
        standardise(grid, normal, (channels, row), epsilon)
        product(normal, query_w, query_b, query, (channels, channels, row), False)
        plus(query, query_at, channels * row)
        guide = features + patch * width * their_row * FLOAT
        product(guide, pair_w, pair_b, pair, (width, 2 * channels, their_row), False)
        plus(pair, key_at, channels * their_row)
        for head in range(heads):
            part, their_part = head * depth * row * FLOAT, head * depth * their_row * FLOAT
            attend(
                query + part,
                pair + their_part,
                pair + their_size + their_part,
                normal + part,
                (depth, row, cells, their_row),
                scores,
            )
        product(normal, out_w, out_b, query, (channels, channels, row), False)
        plus(grid, query, channels * row)


@kernel
def resample(first, last, shape, x, matrix, out):
    """(B, C, S) times a matrix (cells, S') to (B, C, S')."""
    channels, cells, row, new_row = shape
    for patch in range(first, last):
        old, new = x + patch * channels * row * FLOAT, out + patch * channels * new_row * FLOAT
        for at in range(0, new_row, LANES):
            for o in range(0, channels, 4):
                a, b, c, d = fill(_ZERO), fill(_ZERO), fill(_ZERO), fill(_ZERO)
                here = o * row
                for j in range(cells):
                    weight = load(matrix, j * new_row + at)
                    a = fma(fill(load_one(old, here + j)), weight, a)
                    b = fma(fill(load_one(old, here + row + j)), weight, b)
                    c = fma(fill(load_one(old, here + 2 * row + j)), weight, c)
                    d = fma(fill(load_one(old, here + 3 * row + j)), weight, d)
                there = o * new_row + at
                store(new, there, a)
                store(new, there + new_row, b)
                store(new, there + 2 * new_row, c)
                store(new, there + 3 * new_row, d)


@kernel
def weighted_sums(first, last, shape, x, weights, out):
    """Sums over the cells of (B, C, S) by weights (S,), to (B, C)."""
    channels, row = shape
    for line in range(first * channels, last * channels):
        whole = fill(_ZERO)
        for at in range(0, row, LANES):
            whole = fma(load(x, line * row + at), load(weights, at), whole)
        store_one(out, line, total(whole))


@kernel
def channels_first(first, last, shape, source, out):
    """(B, cells, C) to (B, C, S), zero behind the last cell."""
    cells, channels, row = shape
    for patch in range(first, last):
        here, there = patch * cells * channels, patch * channels * row
        for c in range(channels):
            for j in range(cells):
                store_one(out, there + c * row + j, load_one(source, here + j * channels + c))
            for j in range(cells, row):
                store_one(out, there + c * row + j, _ZERO)
