"""What the compiled blocks are made of; see `kernels.py` for what holds of all of them.

Touch the kernels' files after a change here: Numba's cache on disk watches these alone.
"""
# mypy: disable-error-code="no-untyped-def"

import numpy as np

from bdgf.nn.simd import (
    LANES,
    add,
    called,
    exp2,
    fill,
    fma,
    gelu,
    inverse,
    inverse_root,
    larger,
    load,
    load_one,
    mul,
    store,
    sub,
)

_ZERO, _LEAST = np.float32(0), np.float32(-np.inf)


@called
def product(x, w, bias, out, shape, activate):
    """Makes out (outputs, S) = w^T x + bias, then GELU if `activate`; without bias adds to it."""
    inputs, outputs, row = shape
    for at in range(0, row, LANES):
        for o in range(0, outputs, 4):
            here = o * row + at
            if bias != 0:
                a, b = fill(load_one(bias, o)), fill(load_one(bias, o + 1))
                c, d = fill(load_one(bias, o + 2)), fill(load_one(bias, o + 3))
            else:
                a, b = load(out, here), load(out, here + row)
                c, d = load(out, here + 2 * row), load(out, here + 3 * row)
            for i in range(inputs):
                value, weight = load(x, i * row + at), i * outputs + o
                a = fma(fill(load_one(w, weight)), value, a)
                b = fma(fill(load_one(w, weight + 1)), value, b)
                c = fma(fill(load_one(w, weight + 2)), value, c)
                d = fma(fill(load_one(w, weight + 3)), value, d)
            if activate:
                a, b, c, d = gelu(a), gelu(b), gelu(c), gelu(d)
            store(out, here, a)
            store(out, here + row, b)
            store(out, here + 2 * row, c)
            store(out, here + 3 * row, d)


@called
def plus(x, y, count):
    """Adds to `x` the `count` numbers `y`, whole vectors."""
    for at in range(0, count, LANES):
        store(x, at, add(load(x, at), load(y, at)))


@called
def standardise(x, out, shape, epsilon):
    """Each cell's channels less their mean, over their standard deviation: (C, S)."""
    channels, row = shape
    share = fill(np.float32(1 / channels))
    for at in range(0, row, LANES):
        mean = fill(_ZERO)
        for c in range(channels):
            mean = fma(load(x, c * row + at), share, mean)
        variance = fill(epsilon)
        for c in range(channels):
            off = sub(load(x, c * row + at), mean)
            variance = fma(mul(off, off), share, variance)
        scale = inverse_root(variance)
        for c in range(channels):
            store(out, c * row + at, mul(sub(load(x, c * row + at), mean), scale))


@called
def attend(q, k, v, out, shape, scores):
    """Makes out (D, S): softmax over the keys of q^T k, times v; q is scaled to powers of two.

    `shape` is (D, S of the queries, keys, S of the keys), `scores` room for a vector a key, and
    three more.
    """
    depth, row, keys, key_row = shape
    for at in range(0, row, LANES):
        for j in range(0, keys, 4):
            a, b, c, d = fill(_ZERO), fill(_ZERO), fill(_ZERO), fill(_ZERO)
            for i in range(depth):
                value, key = load(q, i * row + at), i * key_row + j
                a = fma(fill(load_one(k, key)), value, a)
                b = fma(fill(load_one(k, key + 1)), value, b)
                c = fma(fill(load_one(k, key + 2)), value, c)
                d = fma(fill(load_one(k, key + 3)), value, d)
            store(scores, j * LANES, a)
            store(scores, (j + 1) * LANES, b)
            store(scores, (j + 2) * LANES, c)
            store(scores, (j + 3) * LANES, d)
        most, whole = fill(_LEAST), fill(_ZERO)
        for j in range(keys):
            most = larger(load(scores, j * LANES), most)
        for j in range(keys):
            share = exp2(sub(load(scores, j * LANES), most))
            store(scores, j * LANES, share)
            whole = add(whole, share)
        scale = inverse(whole)
        for o in range(0, depth, 4):
            a, b, c, d = fill(_ZERO), fill(_ZERO), fill(_ZERO), fill(_ZERO)
            here = o * key_row
            for j in range(keys):
                share = load(scores, j * LANES)
                a = fma(fill(load_one(v, here + j)), share, a)
                b = fma(fill(load_one(v, here + key_row + j)), share, b)
                c = fma(fill(load_one(v, here + 2 * key_row + j)), share, c)
                d = fma(fill(load_one(v, here + 3 * key_row + j)), share, d)
            here = o * row + at
            store(out, here, mul(a, scale))
            store(out, here + row, mul(b, scale))
            store(out, here + 2 * row, mul(c, scale))
            store(out, here + 3 * row, mul(d, scale))


@called
def row_product(x, w, bias, out, shape):
    """Rows (outputs,) = row of `x` times w (inputs, outputs), plus bias if there is one.

    `shape` is (rows, inputs, outputs, length of a row of `x`).
    """
    rows, inputs, outputs, stride = shape
    for o in range(0, outputs, LANES):
        first = load(bias, o) if bias != 0 else fill(_ZERO)
        for r in range(0, rows, 4):
            # The last rows are done again where four do not divide their number.
            here = min(r, rows - 4)
            at = here * stride
            a, b, c, d = first, first, first, first
            for i in range(inputs):
                weight = load(w, i * outputs + o)
                a = fma(fill(load_one(x, at + i)), weight, a)
                b = fma(fill(load_one(x, at + stride + i)), weight, b)
                c = fma(fill(load_one(x, at + 2 * stride + i)), weight, c)
                d = fma(fill(load_one(x, at + 3 * stride + i)), weight, d)
            there = here * outputs + o
            store(out, there, a)
            store(out, there + outputs, b)
            store(out, there + 2 * outputs, c)
            store(out, there + 3 * outputs, d)
