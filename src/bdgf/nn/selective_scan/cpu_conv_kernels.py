"""Compiled kernels of the causal depthwise convolution and SiLU; conventions of `cpu_kernels`."""
# mypy: disable-error-code="no-untyped-def"

import numpy as np

from bdgf.nn.simd import (
    LANES,
    add,
    fill,
    fma,
    inlined,
    kernel,
    load,
    load_part,
    mul,
    sigmoid,
    store,
    store_part,
)

_ZERO, _ONE = np.float32(0), np.float32(1)
_VECTOR_BYTES = 4 * LANES


def forward_scratch(taps: int) -> int:
    """Bytes that a thread needs in `conv_forward`: padding and weights."""
    return (1 + taps) * _VECTOR_BYTES


def backward_scratch(length: int, taps: int) -> int:
    """Bytes that a thread needs in `conv_backward`: also the weights' gradients, and a sequence."""
    return (2 + 2 * taps + length) * _VECTOR_BYTES


@inlined
def _before_silu(k, length, taps, reverse, x, x_at, x_stride, width, w, bias, pad):
    """The convolution at step k of the scan's order."""
    value = bias
    for tap in range(max(0, taps - 1 - k), taps):
        source = k - (taps - 1) + tap
        t = length - 1 - source if reverse else source
        value = fma(load_part(x, x_at + t * x_stride, width, pad), load(w, tap * LANES), value)
    return value


@kernel
def conv_forward(first, last, size, reverse, x, weights, y, scratch):
    """Forward pass of the tasks `sequence * blocks + block`.

    Args:
        first: The first task.
        last: One past the last task.
        size: (B, L, D, taps).
        reverse: Whether time runs backwards.
        x: Rows of the input.
        weights: Taps (K, D); bias (D,).
        y: Output (B, L, D).
        scratch: `forward_scratch(taps)` bytes.
    """
    _, length, channels, taps = size
    (x, xb, xt), (weight, bias) = x, weights
    w = scratch + _VECTOR_BYTES
    blocks = (channels + LANES - 1) // LANES
    for task in range(first, last):
        b, c = task // blocks, task % blocks * LANES
        width = channels - c
        for tap in range(taps):
            store(w, tap * LANES, load_part(weight, tap * channels + c, width, scratch))
        block_bias, x_at = load_part(bias, c, width, scratch), b * xb + c
        for k in range(length):
            value = _before_silu(
                k, length, taps, reverse, x, x_at, xt, width, w, block_bias, scratch
            )
            t = length - 1 - k if reverse else k
            at = (b * length + t) * channels + c
            store_part(y, at, width, scratch, mul(value, sigmoid(value)))


@kernel
def conv_backward(first, last, size, groups, reverse, x, weights, grad, out, scratch):
    """Backward pass of the tasks `group * blocks + block`; a group is every `groups`-th sequence.

    Args:
        first: The first task.
        last: One past the last task.
        size: (B, L, D, taps).
        groups: Number of groups.
        reverse: Whether time runs backwards.
        x: Rows of the input.
        weights: Taps (K, D); bias (D,).
        grad: Rows of the gradient of the output.
        out: Gradients of x (B, L, D), and of taps and bias (groups, K + 1, D), to be summed.
        scratch: `backward_scratch(L, taps)` bytes.
    """
    batch, length, channels, taps = size
    (x, xb, xt), (grad, gb, gt), (weight, bias), (x_out, w_out) = x, grad, weights, out
    w = scratch + _VECTOR_BYTES
    w_grad = w + taps * _VECTOR_BYTES
    before = w_grad + (taps + 1) * _VECTOR_BYTES  # the gradient before SiLU, a whole sequence
    blocks, one = (channels + LANES - 1) // LANES, fill(_ONE)
    for task in range(first, last):
        group, c = task // blocks, task % blocks * LANES
        width = channels - c
        for tap in range(taps):
            store(w, tap * LANES, load_part(weight, tap * channels + c, width, scratch))
        for tap in range(taps + 1):
            store(w_grad, tap * LANES, fill(_ZERO))
        block_bias = load_part(bias, c, width, scratch)
        for b in range(group, batch, groups):
            x_at, g_at = b * xb + c, b * gb + c
            for k in range(length):
                value = _before_silu(
                    k, length, taps, reverse, x, x_at, xt, width, w, block_bias, scratch
                )
                s = sigmoid(value)
                slope = mul(s, fma(value, fma(fill(-_ONE), s, one), one))
                t = length - 1 - k if reverse else k
                change = mul(slope, load_part(grad, g_at + t * gt, width, scratch))
                store(before, k * LANES, change)
                store(w_grad, taps * LANES, add(change, load(w_grad, taps * LANES)))
                for tap in range(max(0, taps - 1 - k), taps):
                    source = k - (taps - 1) + tap
                    t = length - 1 - source if reverse else source
                    seen = load_part(x, x_at + t * xt, width, scratch)
                    store(w_grad, tap * LANES, fma(change, seen, load(w_grad, tap * LANES)))
            for k in range(length):
                value = fill(_ZERO)
                for tap in range(max(0, taps - length + k), taps):
                    at = (k + taps - 1 - tap) * LANES
                    value = fma(load(before, at), load(w, tap * LANES), value)
                t = length - 1 - k if reverse else k
                store_part(x_out, (b * length + t) * channels + c, width, scratch, value)
        for tap in range(taps + 1):
            at = (group * (taps + 1) + tap) * channels + c
            store_part(w_out, at, width, scratch, load(w_grad, tap * LANES))
