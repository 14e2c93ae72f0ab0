"""The selective scan on CUDA in Triton: forward and backward kernels, gate and softplus fused.

One program scans one sequence for a block of channels, its state (N, WIDTH) in registers. Inputs
may be float32, bfloat16 or float16; states and sums are float32. A leading axis G holds the
directions, so that both scans of a bidirectional block are one launch. Gradients that programs
share are written apart and summed afterwards: no atomics, so results repeat to the last bit.

The equations are in `reference.scan`.
"""
# mypy: disable-error-code="import-not-found, import-untyped, no-untyped-def, untyped-decorator"

import math
import os
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from bdgf.core.errors import UserError
from bdgf.nn.selective_scan.inputs import ScanInputs

_CHUNK = 16
"""Steps between two saved states; those within are recomputed by the backward pass."""
_STAGES = 4
"""Steps whose inputs are under way at once."""
_NARROW, _WIDE, _FEW_STATES = 32, 64, 16
"""Channels a program takes: more where few states leave registers for them."""
_LN_2 = tl.constexpr(math.log(2))


@triton.jit
def _softplus(x):
    t = tl.exp(-tl.abs(x))
    one_more = 1.0 + t
    # log(1 + t) that keeps its digits for small t (Kahan)
    log1p = tl.where(one_more == 1.0, t, tl.log(one_more) * t / (one_more - 1.0))
    return tl.maximum(x, 0.0) + log1p


@triton.jit
def _sigmoid(x):
    return 1.0 / (1.0 + tl.exp(-x))


@triton.jit
def _step_size(delta, bias, SOFTPLUS: tl.constexpr):
    step = delta.to(tl.float32) + bias
    if SOFTPLUS:
        step = _softplus(step)
    return step


@triton.jit
def _forward(
    u, delta, z, B, C, A2, D, bias, y, saved,
    u_g, u_b, u_t, delta_g, delta_b, delta_t, z_g, z_b, z_t, B_g, B_b, B_t, C_g, C_b, C_t,
    batch, length, channels, states, chunks,
    N: tl.constexpr, WIDTH: tl.constexpr, CHUNK: tl.constexpr, STAGES: tl.constexpr,
    REVERSE: tl.constexpr, SOFTPLUS: tl.constexpr, GATED: tl.constexpr, SAVE: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(0).to(tl.int64)
    d = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    g = tl.program_id(2).to(tl.int64)
    n = tl.arange(0, N)
    in_d = d < channels
    in_n = n < states
    block = n[:, None] * channels + d[None, :]
    in_block = in_n[:, None] & in_d[None, :]
    rates = tl.load(A2 + g * states * channels + block, mask=in_block, other=0.0)
    skip = tl.load(D + g * channels + d, mask=in_d, other=0.0)
    shift = tl.load(bias + g * channels + d, mask=in_d, other=0.0)
    u += g * u_g + b * u_b
    delta += g * delta_g + b * delta_b
    z += g * z_g + b * z_b
    B += g * B_g + b * B_b
    C += g * C_g + b * C_b
    y += (g * batch + b) * length * channels
    saved += (g * batch + b) * chunks * states * channels
    reverse = REVERSE + tl.program_id(2)  # of two directions, the second runs backwards
    start = reverse * (length - 1)
    stride = 1 - 2 * reverse
    h = tl.zeros([N, WIDTH], dtype=tl.float32)
    for k in tl.range(0, length, num_stages=STAGES):
        if SAVE:  # noqa: SIM102 - known when compiled, unlike the next
            if (k > 0) & (k % CHUNK == 0):
                tl.store(saved + (k // CHUNK - 1) * states * channels + block, h, mask=in_block)
        t = (start + stride * k).to(tl.int64)
        x = tl.load(u + t * u_t + d, mask=in_d, other=0.0).to(tl.float32)
        raw = tl.load(delta + t * delta_t + d, mask=in_d, other=0.0)
        B_t_ = tl.load(B + t * B_t + n, mask=in_n, other=0.0).to(tl.float32)
        C_t_ = tl.load(C + t * C_t + n, mask=in_n, other=0.0).to(tl.float32)
        step = _step_size(raw, shift, SOFTPLUS)
        h = tl.exp2(step[None, :] * rates) * h + (step * x)[None, :] * B_t_[:, None]
        row = tl.sum(h * C_t_[:, None], axis=0) + skip * x
        if GATED:
            gate = tl.load(z + t * z_t + d, mask=in_d, other=0.0).to(tl.float32)
            row = row * gate * _sigmoid(gate)
        tl.store(y + t * channels + d, row, mask=in_d)


@triton.jit
def _backward(
    u, delta, z, B, C, A2, D, bias, saved, grad, states_of_chunk,
    u_out, delta_out, z_out, B_out, C_out, A_out, D_out, bias_out,
    u_g, u_b, u_t, delta_g, delta_b, delta_t, z_g, z_b, z_t, B_g, B_b, B_t, C_g, C_b, C_t,
    grad_g, grad_b, grad_t, batch, length, channels, states, chunks,
    N: tl.constexpr, WIDTH: tl.constexpr, CHUNK: tl.constexpr, STAGES: tl.constexpr,
    REVERSE: tl.constexpr, SOFTPLUS: tl.constexpr, GATED: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(0).to(tl.int64)
    d = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    g = tl.program_id(2).to(tl.int64)
    n = tl.arange(0, N)
    in_d = d < channels
    in_n = n < states
    block = n[:, None] * channels + d[None, :]
    in_block = in_n[:, None] & in_d[None, :]
    size = states * channels
    sequence = g * batch + b
    rates = tl.load(A2 + g * size + block, mask=in_block, other=0.0)
    skip = tl.load(D + g * channels + d, mask=in_d, other=0.0)
    shift = tl.load(bias + g * channels + d, mask=in_d, other=0.0)
    u += g * u_g + b * u_b
    delta += g * delta_g + b * delta_b
    z += g * z_g + b * z_b
    B += g * B_g + b * B_b
    C += g * C_g + b * C_b
    grad += g * grad_g + b * grad_b
    u_out += sequence * length * channels
    delta_out += sequence * length * channels
    z_out += sequence * length * channels
    # The gradients of B and C are sums over channels: each block of channels has its own.
    part = (tl.program_id(1) * tl.num_programs(2) * batch + sequence) * length * states
    B_out += part
    C_out += part
    saved += sequence * chunks * size
    states_of_chunk += sequence * (CHUNK + 1) * size
    reverse = REVERSE + tl.program_id(2)  # of two directions, the second runs backwards
    start = reverse * (length - 1)
    stride = 1 - 2 * reverse
    h_grad = tl.zeros([N, WIDTH], dtype=tl.float32)
    A_grad = tl.zeros([N, WIDTH], dtype=tl.float32)
    D_grad = tl.zeros([WIDTH], dtype=tl.float32)
    bias_grad = tl.zeros([WIDTH], dtype=tl.float32)
    for i in range(chunks + 1):
        chunk = chunks - i
        first = chunk * CHUNK
        steps = tl.minimum(length - first, CHUNK)
        in_saved = in_block.to(tl.int32) * chunk > 0  # a comparison of tensors, in any mode
        h = tl.load(saved + (chunk - 1) * size + block, mask=in_saved, other=0.0)
        tl.store(states_of_chunk + block, h, mask=in_block)
        for k in tl.range(0, steps, num_stages=STAGES):
            t = (start + stride * (first + k)).to(tl.int64)
            x = tl.load(u + t * u_t + d, mask=in_d, other=0.0).to(tl.float32)
            raw = tl.load(delta + t * delta_t + d, mask=in_d, other=0.0)
            B_t_ = tl.load(B + t * B_t + n, mask=in_n, other=0.0).to(tl.float32)
            step = _step_size(raw, shift, SOFTPLUS)
            h = tl.exp2(step[None, :] * rates) * h + (step * x)[None, :] * B_t_[:, None]
            tl.store(states_of_chunk + (k + 1) * size + block, h, mask=in_block)
        tl.debug_barrier()
        for j in range(steps):
            k = steps - 1 - j
            t = (start + stride * (first + k)).to(tl.int64)
            x = tl.load(u + t * u_t + d, mask=in_d, other=0.0).to(tl.float32)
            raw = tl.load(delta + t * delta_t + d, mask=in_d, other=0.0)
            B_t_ = tl.load(B + t * B_t + n, mask=in_n, other=0.0).to(tl.float32)
            C_t_ = tl.load(C + t * C_t + n, mask=in_n, other=0.0).to(tl.float32)
            row_grad = tl.load(grad + t * grad_t + d, mask=in_d, other=0.0).to(tl.float32)
            before = tl.load(states_of_chunk + k * size + block, mask=in_block, other=0.0)
            after = tl.load(states_of_chunk + (k + 1) * size + block, mask=in_block, other=0.0)
            step = _step_size(raw, shift, SOFTPLUS)
            if GATED:
                gate = tl.load(z + t * z_t + d, mask=in_d, other=0.0).to(tl.float32)
                s = _sigmoid(gate)
                row = tl.sum(after * C_t_[:, None], axis=0) + skip * x
                slope = s * (1.0 + gate * (1.0 - s))
                tl.store(z_out + t * channels + d, row_grad * row * slope, mask=in_d)
                row_grad = row_grad * gate * s
            state_grad = row_grad[None, :] * C_t_[:, None] + h_grad
            C_sum = tl.sum(row_grad[None, :] * after, axis=1)
            B_sum = tl.sum(state_grad * (step * x)[None, :], axis=1)
            tl.store(C_out + t * states + n, C_sum, mask=in_n)
            tl.store(B_out + t * states + n, B_sum, mask=in_n)
            drive_grad = tl.sum(state_grad * B_t_[:, None], axis=0)
            h_grad = state_grad * tl.exp2(step[None, :] * rates)
            rate_grad = h_grad * before
            A_grad += rate_grad * step[None, :]
            step_grad = tl.sum(rate_grad * rates, axis=0) * _LN_2 + drive_grad * x
            if SOFTPLUS:
                step_grad = step_grad * _sigmoid(raw.to(tl.float32) + shift)
            D_grad += row_grad * x
            bias_grad += step_grad
            tl.store(u_out + t * channels + d, drive_grad * step + row_grad * skip, mask=in_d)
            tl.store(delta_out + t * channels + d, step_grad, mask=in_d)
        tl.debug_barrier()
    row_of_part = b * tl.num_programs(2) + g
    tl.store(A_out + row_of_part * size + block, A_grad, mask=in_block)
    tl.store(D_out + row_of_part * channels + d, D_grad, mask=in_d)
    tl.store(bias_out + row_of_part * channels + d, bias_grad, mask=in_d)


class _Setting(NamedTuple):
    softplus: bool
    reverse: bool  # of the first direction
    differentiable: bool


def scan(inputs: ScanInputs, delta_softplus: bool, reverse: bool) -> Tensor:
    """Scan in one launch; see `reference.scan`.

    Raises:
        UserError: The tensors are not on a CUDA device.
    """
    return _launch((inputs,), delta_softplus, reverse)[0]


def scan_both_ways(
    forward: ScanInputs, backward: ScanInputs, delta_softplus: bool
) -> tuple[Tensor, Tensor]:
    """Two scans in one launch, the second from the last step to the first."""
    y = _launch((forward, backward), delta_softplus, False)
    return y[0], y[1]


def _launch(directions: tuple[ScanInputs, ...], softplus: bool, reverse: bool) -> Tensor:
    u = directions[0].u
    if u.device.type != "cuda" and os.environ.get("TRITON_INTERPRET") != "1":
        raise UserError(
            f"the scan backend 'triton' needs a CUDA device, not {u.device.type}: choose 'auto'"
        )
    if not u.numel():
        return torch.stack([inputs.u for inputs in directions])
    single = (_without_none(inputs) for inputs in directions)
    stacked = [_stack(tensors) for tensors in zip(*single, strict=True)]
    setting = _Setting(softplus, reverse, torch.is_grad_enabled())
    y: Tensor = _Scan.apply(setting, *stacked)
    return y


def _without_none(inputs: ScanInputs) -> ScanInputs:
    zeros = inputs.u.new_zeros(inputs.u.shape[2], dtype=torch.float32)
    return inputs._replace(
        D=zeros if inputs.D is None else inputs.D,
        delta_bias=zeros if inputs.delta_bias is None else inputs.delta_bias,
    )


def _stack(tensors: tuple[Tensor | None, ...]) -> Tensor | None:
    """The directions' tensors along a leading axis; without a copy where they share one."""
    first = tensors[0]
    if first is None:
        return None
    if all(tensor is first for tensor in tensors):
        return first.expand(len(tensors), *first.shape)
    return torch.stack(tensors)  # type: ignore[arg-type]


def _rows(tensor: Tensor) -> Tensor:
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        setting: _Setting,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor,
        z: Tensor | None,
        bias: Tensor,
    ) -> Tensor:
        u, delta, B, C = (_rows(x) for x in (u, delta, B, C))
        gate = u if z is None else _rows(z)
        rates = (A.float() * math.log2(math.e)).transpose(1, 2).contiguous()  # (G, N, D)
        weights = D.float().contiguous(), bias.float().contiguous()
        (directions, batch, length, channels), states = u.shape, A.shape[2]
        chunks = max(0, length - 1) // _CHUNK
        kept = chunks if setting.differentiable else 0
        y = torch.empty_like(u, memory_format=torch.contiguous_format)
        saved = rates.new_empty(directions, batch, kept, states, channels)
        width = _width(states)
        with torch.cuda.device_of(u):
            _forward[(batch, triton.cdiv(channels, width), directions)](
                *(u, delta, gate, B, C, rates, *weights, y, saved),
                *_strides(u, delta, gate, B, C),
                *(batch, length, channels, states, chunks),
                N=triton.next_power_of_2(states),
                WIDTH=width,
                CHUNK=_CHUNK,
                STAGES=_STAGES,
                REVERSE=int(setting.reverse),
                SOFTPLUS=setting.softplus,
                GATED=z is not None,
                SAVE=kept > 0,
                num_warps=1,
            )
        ctx.setting, ctx.gated = setting, z is not None
        ctx.dtypes = [x.dtype for x in (A, B, C, D, bias)]
        ctx.save_for_backward(u, delta, gate, B, C, rates, *weights, saved)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        u, delta, gate, B, C, rates, D, bias, saved = ctx.saved_tensors
        grad = _rows(grad)
        (directions, batch, length, channels), states = u.shape, rates.shape[1]
        width = _width(states)
        blocks = triton.cdiv(channels, width)

        def empty(*shape: int) -> Tensor:
            return rates.new_empty(shape)

        u_grad, delta_grad = (
            torch.empty(x.shape, dtype=x.dtype, device=x.device) for x in (u, delta)
        )
        z_grad = gate.new_empty(gate.shape if ctx.gated else 0)
        parts = (
            empty(blocks, directions, batch, length, states),
            empty(blocks, directions, batch, length, states),
            empty(batch, directions, states, channels),
            empty(batch, directions, channels),
            empty(batch, directions, channels),
        )
        with torch.cuda.device_of(u):
            _backward[(batch, blocks, directions)](
                *(u, delta, gate, B, C, rates, D, bias, saved, grad),
                empty(directions, batch, _CHUNK + 1, states, channels),
                *(u_grad, delta_grad, z_grad, *parts),
                *_strides(u, delta, gate, B, C, grad),
                *(batch, length, channels, states, max(0, length - 1) // _CHUNK),
                N=triton.next_power_of_2(states),
                WIDTH=width,
                CHUNK=_CHUNK,
                STAGES=_STAGES,
                REVERSE=int(ctx.setting.reverse),
                SOFTPLUS=ctx.setting.softplus,
                GATED=ctx.gated,
                num_warps=1,
            )
        B_grad, C_grad, A_grad, D_grad, bias_grad = (part.sum(dim=0) for part in parts)
        A_dtype, B_dtype, C_dtype, D_dtype, bias_dtype = ctx.dtypes
        return (
            None,
            u_grad,
            delta_grad,
            A_grad.transpose(1, 2).to(A_dtype),
            B_grad.to(B_dtype),
            C_grad.to(C_dtype),
            D_grad.to(D_dtype),
            z_grad if ctx.gated else None,
            bias_grad.to(bias_dtype),
        )


def _width(states: int) -> int:
    return _WIDE if states <= _FEW_STATES else _NARROW


def _strides(*tensors: Tensor) -> list[int]:
    """Strides of direction, batch and time for each."""
    return [stride for tensor in tensors for stride in tensor.stride()[:3]]
