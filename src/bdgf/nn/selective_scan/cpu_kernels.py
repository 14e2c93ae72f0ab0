"""Compiled kernels of the CPU selective scan: float32, channels last, vectorised over channels.

A kernel works through the tasks `first..last`. Tasks share no output, so that threads may take any
of them and the result is the same to the last bit. The state of one block of `LANES` channels,
(N, LANES), stays in the first-level cache; the (B, L, D, N) tensor never exists.

A tensor (B, L, D) to be read is handed over as rows, `(address, batch_stride, time_stride)`, so
that a slice of a wider tensor needs no copy; its last axis has stride 1. Everything else is the
address of a contiguous tensor.

The equations are in `reference.scan`.
"""
# mypy: disable-error-code="no-untyped-def"

import numpy as np

from bdgf.nn.simd import (
    LANES,
    add,
    exp2,
    fill,
    fma,
    inlined,
    kernel,
    load,
    load_one,
    load_part,
    mul,
    sigmoid,
    softplus,
    store,
    store_one,
    store_part,
    total,
)

CHUNK = 32
"""Steps between two saved states; the backward pass keeps the states of one chunk in cache."""
_ZERO, _ONE, _LN2 = np.float32(0), np.float32(1), np.float32(np.log(2))
_VECTOR_BYTES = 4 * LANES


def forward_scratch(states: int) -> int:
    """Bytes that a thread needs in `scan_forward`: padding, states, rates."""
    return (1 + 2 * states) * _VECTOR_BYTES


def backward_scratch(states: int) -> int:
    """Bytes that a thread needs in `scan_backward`."""
    a_chunk = CHUNK * (2 + 2 * states)  # step sizes and outputs; states and decays
    return (3 + 4 * states + a_chunk) * _VECTOR_BYTES  # padding, two sums; rates, gradients


@inlined
def _step_size(delta, at, bias, use_softplus, width, pad):
    step = add(load_part(delta, at, width, pad), bias)
    # In padded lanes this is log(2), which zeros in u and in the gradients keep out of the results.
    return softplus(step) if use_softplus else step


@inlined
def _load_states(address, at, channels, states, width, block, pad):
    for n in range(states):
        store(block, n * LANES, load_part(address, at + n * channels, width, pad))


@inlined
def _store_states(address, at, channels, states, width, block, pad):
    for n in range(states):
        store_part(address, at + n * channels, width, pad, load(block, n * LANES))


@inlined
def _clear(block, vectors):
    for n in range(vectors):
        store(block, n * LANES, fill(_ZERO))


@kernel
def scan_forward(first, last, size, flags, u, delta, z, B, C, weights, y, saved, scratch):
    """Forward pass of the tasks `sequence * blocks + block`.

    Args:
        first: The first task.
        last: One past the last task.
        size: (B, L, D, N).
        flags: (softplus, gate, reverse).
        u: Rows of the input.
        delta: Rows of the step sizes, before bias and softplus.
        z: Rows of the gate.
        B: Rows of the input matrix.
        C: Rows of the output matrix.
        weights: A log2(e) transposed (N, D); skip weights (D,); bias of the step sizes (D,).
        y: Output (B, L, D).
        saved: States before each chunk but the first (B, chunks - 1, N, D), or 0 to keep none.
        scratch: `forward_scratch(N)` bytes.
    """
    _, length, channels, states = size
    use_softplus, gated, reverse = flags
    (u, ub, ut), (delta, db, dt), (z, zb, zt), (B, Bb, Bt), (C, Cb, Ct) = u, delta, z, B, C
    A2, D, bias = weights
    h = scratch + _VECTOR_BYTES
    rates = h + states * _VECTOR_BYTES
    blocks, chunks = (channels + LANES - 1) // LANES, (length - 1) // CHUNK
    for task in range(first, last):
        b, c = task // blocks, task % blocks * LANES
        width = channels - c
        _load_states(A2, c, channels, states, width, rates, scratch)
        block_bias, block_D = load_part(bias, c, width, scratch), load_part(D, c, width, scratch)
        _clear(h, states)
        for k in range(length):
            if saved != 0 and k > 0 and k % CHUNK == 0:
                at = (b * chunks + k // CHUNK - 1) * states * channels + c
                _store_states(saved, at, channels, states, width, h, scratch)
            t = length - 1 - k if reverse else k
            x = load_part(u, b * ub + t * ut + c, width, scratch)
            step = _step_size(delta, b * db + t * dt + c, block_bias, use_softplus, width, scratch)
            drive, row = mul(step, x), mul(block_D, x)
            B_at, C_at = b * Bb + t * Bt, b * Cb + t * Ct
            for n in range(states):
                decay = exp2(mul(step, load(rates, n * LANES)))
                input_n = mul(drive, fill(load_one(B, B_at + n)))
                state = fma(decay, load(h, n * LANES), input_n)
                store(h, n * LANES, state)
                row = fma(state, fill(load_one(C, C_at + n)), row)
            if gated:
                gate = load_part(z, b * zb + t * zt + c, width, scratch)
                row = mul(row, mul(gate, sigmoid(gate)))
            store_part(y, (b * length + t) * channels + c, width, scratch, row)


@inlined
def _replay(b, c, start, stop, size, flags, u, delta, B, C, bias, rates, kept, pad):
    """Run the steps of a chunk again from h[0]; keep decays, states, step sizes and outputs."""
    _, length, channels, states = size
    use_softplus, _, reverse = flags
    (u, ub, ut), (delta, db, dt), (B, Bb, Bt), (C, Cb, Ct) = u, delta, B, C
    width = channels - c
    h, decays, steps, rows = kept
    block_bias = load_part(bias, c, width, pad)
    for k in range(stop - start):
        t = length - 1 - start - k if reverse else start + k
        x = load_part(u, b * ub + t * ut + c, width, pad)
        step = _step_size(delta, b * db + t * dt + c, block_bias, use_softplus, width, pad)
        drive, row = mul(step, x), fill(_ZERO)
        B_at, C_at = b * Bb + t * Bt, b * Cb + t * Ct
        for n in range(states):
            at = (k * states + n) * LANES
            decay = exp2(mul(step, load(rates, n * LANES)))
            state = fma(decay, load(h, at), mul(drive, fill(load_one(B, B_at + n))))
            store(decays, at, decay)
            store(h, at + states * LANES, state)
            row = fma(state, fill(load_one(C, C_at + n)), row)
        store(steps, k * LANES, step)
        store(rows, k * LANES, row)


@kernel
def scan_backward(
    first, last, size, flags, parts, u, delta, z, B, C, weights, saved, grad, out, scratch
):
    """Backward pass of the tasks `group * splits + split`.

    A group is every `groups`-th sequence and a split every `splits`-th block of channels.

    Args:
        first: The first task.
        last: One past the last task.
        size: (B, L, D, N).
        flags: (softplus, gate, reverse).
        parts: (groups, splits).
        u: As in `scan_forward`, and so the next six.
        delta: See `scan_forward`.
        z: See `scan_forward`.
        B: See `scan_forward`.
        C: See `scan_forward`.
        weights: See `scan_forward`.
        saved: See `scan_forward`.
        grad: Rows of the gradient of the output.
        out: Gradients of u, delta, z (B, L, D); of B, C (splits, B, L, N), zeros on entry; of A
            (groups, N, D); of D, bias (groups, D). The caller sums over groups and splits.
        scratch: `backward_scratch(N)` bytes.
    """
    batch, length, channels, states = size
    groups, splits = parts
    _, _, _, _, _, A_out, D_out, bias_out = out
    A2, D, bias = weights
    rates = scratch + _VECTOR_BYTES
    h_grad = rates + states * _VECTOR_BYTES
    A_grad = h_grad + states * _VECTOR_BYTES
    D_grad = A_grad + states * _VECTOR_BYTES
    bias_grad = D_grad + _VECTOR_BYTES
    steps = bias_grad + _VECTOR_BYTES
    rows = steps + CHUNK * _VECTOR_BYTES
    decays = rows + CHUNK * _VECTOR_BYTES
    h = decays + CHUNK * states * _VECTOR_BYTES
    kept, carried = (h, decays, steps, rows), (h_grad, A_grad, D_grad, bias_grad)
    blocks, chunks = (channels + LANES - 1) // LANES, (length - 1) // CHUNK
    for task in range(first, last):
        group, split = task // splits, task % splits
        for block in range(split, blocks, splits):
            c = block * LANES
            width = channels - c
            _load_states(A2, c, channels, states, width, rates, scratch)
            _clear(A_grad, states + 2)
            for b in range(group, batch, groups):
                _clear(h_grad, states)
                for chunk in range(chunks, -1, -1):
                    start, stop = chunk * CHUNK, min(length, (chunk + 1) * CHUNK)
                    if chunk == 0:
                        _clear(h, states)
                    else:
                        at = (b * chunks + chunk - 1) * states * channels + c
                        _load_states(saved, at, channels, states, width, h, scratch)
                    _replay(
                        b, c, start, stop, size, flags, u, delta, B, C, bias, rates, kept, scratch
                    )
                    _reverse(
                        b, c, start, stop, split, size, flags, u, delta, z, B, C, D, bias,
                        grad, out, rates, kept, carried, scratch,
                    )  # fmt: skip
            at = group * states * channels + c
            _store_states(A_out, at, channels, states, width, A_grad, scratch)
            store_part(D_out, group * channels + c, width, scratch, load(D_grad, 0))
            store_part(bias_out, group * channels + c, width, scratch, load(bias_grad, 0))


@inlined
def _reverse(
    b, c, start, stop, split, size, flags, u, delta, z, B, C, D, bias, grad, out,
    rates, kept, carried, pad,
):  # fmt: skip
    """Carry the gradient of the state back through a chunk, and the other gradients with it."""
    batch, length, channels, states = size
    use_softplus, gated, reverse = flags
    (u, ub, ut), (z, zb, zt), (B, Bb, Bt), (C, Cb, Ct) = u, z, B, C
    (delta, db, dt), (grad, gb, gt) = delta, grad
    u_out, delta_out, z_out, B_out, C_out, _, _, _ = out
    h, decays, steps, rows = kept
    h_grad, A_grad, D_grad, bias_grad = carried
    width, one = channels - c, fill(_ONE)
    block_bias, block_D = load_part(bias, c, width, pad), load_part(D, c, width, pad)
    for k in range(stop - start - 1, -1, -1):
        t = length - 1 - start - k if reverse else start + k
        at = (b * length + t) * channels + c
        x, step = load_part(u, b * ub + t * ut + c, width, pad), load(steps, k * LANES)
        y_grad = load_part(grad, b * gb + t * gt + c, width, pad)
        if gated:
            gate = load_part(z, b * zb + t * zt + c, width, pad)
            s = sigmoid(gate)
            slope = mul(s, fma(gate, fma(fill(-_ONE), s, one), one))
            ungated = fma(block_D, x, load(rows, k * LANES))
            store_part(z_out, at, width, pad, mul(y_grad, mul(ungated, slope)))
            y_grad = mul(y_grad, mul(gate, s))
        drive, drive_grad, step_grad = mul(step, x), fill(_ZERO), fill(_ZERO)
        B_at, C_at = b * Bb + t * Bt, b * Cb + t * Ct
        out_at = ((split * batch + b) * length + t) * states
        for n in range(states):
            now = (k * states + n) * LANES
            state_grad = fma(y_grad, fill(load_one(C, C_at + n)), load(h_grad, n * LANES))
            C_n = total(mul(y_grad, load(h, now + states * LANES)))
            B_n = total(mul(state_grad, drive))
            store_one(C_out, out_at + n, load_one(C_out, out_at + n) + C_n)
            store_one(B_out, out_at + n, load_one(B_out, out_at + n) + B_n)
            drive_grad = fma(state_grad, fill(load_one(B, B_at + n)), drive_grad)
            before = mul(state_grad, load(decays, now))
            store(h_grad, n * LANES, before)
            rate_grad = mul(before, load(h, now))
            step_grad = fma(rate_grad, load(rates, n * LANES), step_grad)
            store(A_grad, n * LANES, fma(rate_grad, step, load(A_grad, n * LANES)))
        store_part(u_out, at, width, pad, fma(drive_grad, step, mul(y_grad, block_D)))
        # The rates carry a factor log2(e), which the gradient does not.
        step_grad = fma(step_grad, fill(_LN2), mul(drive_grad, x))
        if use_softplus:
            raw = add(load_part(delta, b * db + t * dt + c, width, pad), block_bias)
            step_grad = mul(step_grad, sigmoid(raw))
        store_part(delta_out, at, width, pad, step_grad)
        store(D_grad, 0, fma(y_grad, x, load(D_grad, 0)))
        store(bias_grad, 0, add(step_grad, load(bias_grad, 0)))
