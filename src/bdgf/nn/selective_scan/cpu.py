"""The selective scan on a CPU: compiled kernels with a hand-written backward pass.

Only the states before each chunk of steps are kept for the backward pass; the rest is recomputed in
cache. Numba is imported at the first scan, for it costs a quarter of a second.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bdgf.core.errors import UserError
from bdgf.core.numba_kernels import run_tasks, thread_count
from bdgf.nn.selective_scan.inputs import ScanInputs

GROUPS = 64
"""Parts of the batch with weight gradients of their own; fixed, so that threads change nothing."""
_BACKWARD_COST = 3
"""A backward pass in forward passes, to judge whether threads pay."""


class _Setting(NamedTuple):
    softplus: bool
    reverse: bool
    differentiable: bool


def scan(inputs: ScanInputs, delta_softplus: bool, reverse: bool) -> Tensor:
    """Scan in float32 whatever the dtype of the inputs; see `reference.scan`.

    Raises:
        UserError: The tensors are not on a CPU, or in float64, which this backend would round.
    """
    u = inputs.u
    if u.device.type != "cpu" or u.dtype == torch.float64:
        raise UserError(
            f"the scan backend 'cpu' takes float32 on a CPU, not {u.dtype} on {u.device.type}: "
            "choose 'auto' or 'reference'"
        )
    if inputs.D is None:
        inputs = inputs._replace(D=u.new_zeros(u.shape[2]))
    if inputs.delta_bias is None:
        inputs = inputs._replace(delta_bias=u.new_zeros(u.shape[2]))
    setting = _Setting(delta_softplus, reverse, torch.is_grad_enabled())
    y: Tensor = _Scan.apply(setting, *inputs.with_dtype(torch.float32))
    return y.to(u.dtype)


def rows(tensor: Tensor) -> Tensor:
    """The tensor itself where its last axis is contiguous, else a copy."""
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def row_strides(tensor: Tensor | None) -> tuple[int, int, int]:
    """Kernel arguments of a tensor (B, L, D) whose last axis is contiguous."""
    if tensor is None:
        return 0, 0, 0
    return tensor.data_ptr(), tensor.stride(0), tensor.stride(1)


def _rates(A: Tensor) -> Tensor:
    """(N, D): exp(delta A) = 2 ** (delta rates)."""
    return (A.t() * math.log2(math.e)).contiguous()


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
        from bdgf.nn.selective_scan import cpu_kernels as kernels

        u, delta, B, C = (rows(x) for x in (u, delta, B, C))
        z = None if z is None else rows(z)
        rates, D, bias = _rates(A), D.contiguous(), bias.contiguous()
        (batch, length, channels), states = u.shape, A.shape[1]
        y = torch.empty(u.shape)
        chunks = max(0, length - 1) // kernels.CHUNK if setting.differentiable else 0
        saved = torch.empty(batch, chunks, states, channels)
        tasks = batch * -(-channels // kernels.LANES)
        threads = thread_count(tasks, u.numel() * states)
        scratch = torch.empty(threads, kernels.forward_scratch(states), dtype=torch.uint8)
        arguments = (
            (batch, length, channels, states),
            (setting.softplus, z is not None, setting.reverse),
            *map(row_strides, (u, delta, z, B, C)),
            (rates.data_ptr(), D.data_ptr(), bias.data_ptr()),
            y.data_ptr(),
            saved.data_ptr() if saved.numel() else 0,
        )

        def run(first: int, last: int, worker: int) -> None:
            kernels.scan_forward(first, last, *arguments, scratch[worker].data_ptr())

        run_tasks(run, tasks, threads)
        ctx.setting = setting
        ctx.save_for_backward(u, delta, z, B, C, D, bias, rates, saved)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        from bdgf.nn.selective_scan import cpu_kernels as kernels

        u, delta, z, B, C, D, bias, rates, saved = ctx.saved_tensors
        (batch, length, channels), states = u.shape, rates.shape[0]
        grad = rows(grad)
        blocks = -(-channels // kernels.LANES)
        groups = max(1, min(batch, GROUPS))
        splits = max(1, min(blocks, GROUPS // groups))
        shape = (batch, length, channels)
        out = (
            torch.empty(shape),
            torch.empty(shape),
            torch.empty(shape if z is not None else 0),
            torch.zeros(splits, batch, length, states),
            torch.zeros(splits, batch, length, states),
            torch.empty(groups, states, channels),
            torch.empty(groups, channels),
            torch.empty(groups, channels),
        )
        threads = thread_count(groups * splits, u.numel() * states * _BACKWARD_COST)
        scratch = torch.empty(threads, kernels.backward_scratch(states), dtype=torch.uint8)
        arguments = (
            (batch, length, channels, states),
            (ctx.setting.softplus, z is not None, ctx.setting.reverse),
            (groups, splits),
            *map(row_strides, (u, delta, z, B, C)),
            (rates.data_ptr(), D.data_ptr(), bias.data_ptr()),
            saved.data_ptr(),
            row_strides(grad),
            tuple(x.data_ptr() for x in out),
        )

        def run(first: int, last: int, worker: int) -> None:
            kernels.scan_backward(first, last, *arguments, scratch[worker].data_ptr())

        run_tasks(run, groups * splits, threads)
        u_grad, delta_grad, z_grad, *parts = out
        # NumPy adds the parts in order, where torch's order may hang on the number of threads.
        B_grad, C_grad, A_grad, D_grad, bias_grad = (
            x[0] if len(x) == 1 else torch.from_numpy(x.numpy().sum(axis=0)) for x in parts
        )
        return (
            None,
            u_grad,
            delta_grad,
            A_grad.t(),
            B_grad,
            C_grad,
            D_grad,
            z_grad if z is not None else None,
            bias_grad,
        )
