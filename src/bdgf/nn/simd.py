"""Vectors of float32 for Numba kernels: loads, stores, fused multiply-adds, exp and similar.

Numba's `math.exp` is a scalar call, and its loops pay for alias checks between arrays; a vector
type leaves neither to chance. LLVM splits a vector of `LANES` into registers of the width there is.

Memory is handed over as addresses: arrays would bring reference counts into the inner loops.
Callers answer for sizes, types and lifetimes.

Numba's cache on disk watches the kernel's own file: touch the kernels' files after a change here.
"""
# mypy: disable-error-code="import-untyped, no-untyped-def"

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.datamodel import PrimitiveModel
from numba.extending import intrinsic, register_model

from bdgf.core.numba_kernels import numba_kernel

LANES = 32
"""Floats in a vector: two registers of AVX-512, which hides the latency of the recurrence."""
LOG2_E = math.log2(math.e)

_FLOAT, _INDEX = ir.FloatType(), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, LANES)
_WHOLE = ir.VectorType(_INDEX, LANES)
# NaN must survive, as a diverged loss is told by it: neither `nnan` nor `ninf`.
_OPTIONS: dict[str, Any] = {"fastmath": {"contract", "nsz", "arcp"}, "error_model": "numpy"}


def kernel(function: Callable[..., None]) -> Callable[..., None]:
    """Compiles a kernel, see `compiled`."""
    return numba_kernel(function, **_OPTIONS)


inlined = njit(inline="always", **_OPTIONS)
"""Put a function's source into the kernels that call it; compiles faster than LLVM's inlining."""
called = njit(**_OPTIONS)
"""A function that kernels call, compiled once for all of them in its file."""


class _Vector(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


_KIND = _Vector()


@register_model(_Vector)
class _VectorModel(PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _operation(emit: Callable[..., Any], operands: int) -> Any:
    """The signature and the lowering of an operation from vectors to a vector."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return emit(builder, *args)

    return _KIND(*[_KIND] * operands), build


def _constant(value: float) -> ir.Constant:
    return ir.Constant(_VECTOR, [float(np.float32(value))] * LANES)


def _llvm(builder: Any, name: str, *args: Any) -> Any:
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(args))
    full_name = f"llvm.{name}.v{LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, full_name), args)


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return _llvm(builder, "fmuladd", a, b, c)


def _pointer(builder: Any, address: Any, at: Any, kind: Any) -> Any:
    start = builder.inttoptr(address, _FLOAT.as_pointer())
    return builder.bitcast(builder.gep(start, [at]), kind.as_pointer())


@intrinsic
def load(typing_context: Any, address: Any, at: Any) -> Any:
    """The LANES floats behind the first `at` floats of an address."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(builder, args[0], args[1], _VECTOR), align=4)

    return _KIND(types.intp, types.intp), build


@intrinsic
def store(typing_context: Any, address: Any, at: Any, vector: Any) -> Any:
    """Write LANES floats behind the first `at` floats of an address."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(builder, args[0], args[1], _VECTOR), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, _KIND), build


@intrinsic
def load_one(typing_context: Any, address: Any, at: Any) -> Any:
    """One float."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(builder, args[0], args[1], _FLOAT))

    return types.float32(types.intp, types.intp), build


@intrinsic
def store_one(typing_context: Any, address: Any, at: Any, value: Any) -> Any:
    """Write one float."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(builder, args[0], args[1], _FLOAT))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.float32), build


@njit(**_OPTIONS)
def _pad(address, at, count, pad):
    for lane in range(LANES):
        store_one(pad, lane, load_one(address, at + lane) if lane < count else np.float32(0))


@njit(**_OPTIONS)
def _unpad(address, at, count, pad):
    for lane in range(count):
        store_one(address, at + lane, load_one(pad, lane))


@inlined
def load_part(address, at, count, pad):
    """The first `count` lanes of `load`, zeros behind them; `pad` is LANES floats of scratch."""
    if count >= LANES:
        return load(address, at)
    _pad(address, at, count, pad)
    return load(pad, 0)


@inlined
def store_part(address, at, count, pad, vector):
    """Write the first `count` lanes."""
    if count >= LANES:
        store(address, at, vector)
    else:
        store(pad, 0, vector)
        _unpad(address, at, count, pad)


@intrinsic
def fill(typing_context: Any, value: Any) -> Any:
    """Every lane set to one float."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        empty = ir.Constant(_VECTOR, ir.Undefined)
        one = builder.insert_element(empty, args[0], _INDEX(0))
        return builder.shuffle_vector(one, empty, ir.Constant(_WHOLE, [0] * LANES))

    return _KIND(types.float32), build


@intrinsic
def total(typing_context: Any, vector: Any) -> Any:
    """Sum of the lanes, by halves."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, width = args[0], LANES
        while width > 1:
            width //= 2
            halves = ir.VectorType(_INDEX, width)
            low = ir.Constant(halves, list(range(width)))
            high = ir.Constant(halves, list(range(width, 2 * width)))
            value = builder.fadd(
                builder.shuffle_vector(value, value, low),
                builder.shuffle_vector(value, value, high),
            )
        return builder.extract_element(value, _INDEX(0))

    return types.float32(_KIND), build


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c."""
    return _operation(_fma, 3)


@intrinsic
def mul(typing_context: Any, a: Any, b: Any) -> Any:
    """Return a * b."""
    return _operation(lambda builder, a, b: builder.fmul(a, b), 2)


@intrinsic
def add(typing_context: Any, a: Any, b: Any) -> Any:
    """Return a + b."""
    return _operation(lambda builder, a, b: builder.fadd(a, b), 2)


@intrinsic
def sub(typing_context: Any, a: Any, b: Any) -> Any:
    """Return a - b."""
    return _operation(lambda builder, a, b: builder.fsub(a, b), 2)


@intrinsic
def larger(typing_context: Any, a: Any, b: Any) -> Any:
    """The larger of a and b, lane by lane; b where one is NaN."""

    def emit(builder: Any, a: Any, b: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", a, b), a, b)

    return _operation(emit, 2)


def _interpolate(function: Callable[[Any], Any], degree: int, low: float, high: float) -> Any:
    """Coefficients, rising, of Chebyshev's interpolation on [low, high]."""
    series = np.polynomial.Chebyshev.interpolate(function, degree, domain=[low, high])
    return series.convert(kind=np.polynomial.Polynomial).coef


def _polynomial(builder: Any, coefficients: Any, x: Any) -> Any:
    value = _constant(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = _fma(builder, value, x, _constant(coefficient))
    return value


# Degrees that leave 2e-9 of the result, well under the rounding of float32.
_EXP2 = _interpolate(np.exp2, 6, -0.5, 0.5)
_ARTANH = _interpolate(lambda q: np.arctanh(np.sqrt(q)) / np.sqrt(q), 5, 1e-12, 1 / 9)


def _exp2(builder: Any, x: Any) -> Any:
    # Comparisons that are false for NaN let it through.
    low, high = _constant(-126), _constant(128)
    x = builder.select(builder.fcmp_ordered("<", x, low), low, x)
    x = builder.select(builder.fcmp_ordered(">", x, high), high, x)
    whole = _llvm(builder, "rint", x)
    fraction = _polynomial(builder, _EXP2, builder.fsub(x, whole))
    # Adding to the exponent's bits multiplies by 2**whole; 128 makes infinity.
    shift = builder.shl(builder.fptosi(whole, _WHOLE), ir.Constant(_WHOLE, [23] * LANES))
    return builder.bitcast(builder.add(builder.bitcast(fraction, _WHOLE), shift), _VECTOR)


def _exp_of_minus_abs(builder: Any, x: Any) -> Any:
    return _exp2(builder, builder.fmul(_llvm(builder, "fabs", x), _constant(-LOG2_E)))


def _sigmoid(builder: Any, x: Any) -> Any:
    t, one = _exp_of_minus_abs(builder, x), _constant(1)
    rises = builder.select(builder.fcmp_ordered("<", x, _constant(0)), t, one)
    return builder.fdiv(rises, builder.fadd(one, t))


def _softplus(builder: Any, x: Any) -> Any:
    # max(x, 0) + log(1 + t), with log(1 + t) = 2 artanh(s), s = t / (2 + t) <= 1/3
    t = _exp_of_minus_abs(builder, x)
    s = builder.fdiv(t, builder.fadd(_constant(2), t))
    series = _polynomial(builder, _ARTANH, builder.fmul(s, s))
    above = builder.select(builder.fcmp_ordered("<", x, _constant(0)), _constant(0), x)
    return _fma(builder, builder.fmul(_constant(2), s), series, above)


# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: erf to 1.5e-7.
_ERF_POLE = 0.3275911
_ERF = (0.0, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def _gelu(builder: Any, x: Any) -> Any:
    # max(x, 0) - |x| (1 - erf(|x| / sqrt(2))) / 2: small results keep their digits.
    size, one = _llvm(builder, "fabs", x), _constant(1)
    pole = _fma(builder, size, _constant(_ERF_POLE / math.sqrt(2)), one)
    series = _polynomial(builder, _ERF, builder.fdiv(one, pole))
    bell = _exp2(builder, builder.fmul(builder.fmul(x, x), _constant(-LOG2_E / 2)))
    tail = builder.fmul(builder.fmul(series, bell), builder.fmul(size, _constant(0.5)))
    above = builder.select(builder.fcmp_ordered("<", x, _constant(0)), _constant(0), x)
    return builder.fsub(above, tail)


@intrinsic
def gelu(typing_context: Any, x: Any) -> Any:
    """The GELU: x times the normal distribution's share below x, to 1e-7 of |x|."""
    return _operation(_gelu, 1)


@intrinsic
def inverse_root(typing_context: Any, x: Any) -> Any:
    """1 / sqrt(x)."""
    return _operation(lambda builder, x: builder.fdiv(_constant(1), _llvm(builder, "sqrt", x)), 1)


@intrinsic
def inverse(typing_context: Any, x: Any) -> Any:
    """1 / x."""
    return _operation(lambda builder, x: builder.fdiv(_constant(1), x), 1)


@intrinsic
def exp2(typing_context: Any, x: Any) -> Any:
    """2**x to about one unit in the last place; at least 2**-126, and infinite from 2**128."""
    return _operation(_exp2, 1)


@intrinsic
def sigmoid(typing_context: Any, x: Any) -> Any:
    """1 / (1 + exp(-x)), which never overflows."""
    return _operation(_sigmoid, 1)


@intrinsic
def softplus(typing_context: Any, x: Any) -> Any:
    """log(1 + exp(x)), which never overflows; also for very negative x right to the last digits."""
    return _operation(_softplus, 1)
