"""The short depthwise convolution over time, and SiLU, that come before a selective scan.

On a CPU it runs in compiled kernels like the scan: torch's grouped convolution takes as long as the
scan itself.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F  # noqa: N812 - its customary name

from bdgf.core.numba_kernels import run_tasks, thread_count
from bdgf.nn.selective_scan.cpu import GROUPS, row_strides, rows

_OPERATIONS_A_TAP = 2
"""Operations a tap and element, with those of SiLU, to judge whether threads pay."""


def causal_conv_silu(
    x: Tensor, weight: Tensor, bias: Tensor | None, reverse: bool, backend: str
) -> Tensor:
    """Depthwise convolution that sees no later step, then SiLU.

    y_t = silu(bias + sum_k weight_k x_{t - (K - 1) + k}), x being zero outside the sequence
    (Gu and Dao, "Mamba", 2023, section 3.4).

    Args:
        x: (B, L, D) input.
        weight: (D, 1, K), as in `torch.nn.Conv1d`.
        bias: (D,), or None.
        reverse: Whether time runs backwards: no earlier step is seen.
        backend: The scan's backend, resolved; "cpu" takes the compiled kernels.

    Returns:
        (B, L, D) output in the dtype of `x`.
    """
    if backend != "cpu":
        return _plain(x, weight, bias, reverse)
    bias = x.new_zeros(x.shape[2]) if bias is None else bias
    single = (tensor.to(torch.float32) for tensor in (x, weight.squeeze(1), bias))
    y: Tensor = _ConvSilu.apply(reverse, *single)
    return y.to(x.dtype)


def _plain(x: Tensor, weight: Tensor, bias: Tensor | None, reverse: bool) -> Tensor:
    channels, _, taps = weight.shape
    if reverse:
        padded = F.pad(x.transpose(1, 2), (0, taps - 1))
        weight = weight.flip(-1)
    else:
        padded = F.pad(x.transpose(1, 2), (taps - 1, 0))
    return F.silu(F.conv1d(padded, weight, bias, groups=channels)).transpose(1, 2)


class _ConvSilu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, reverse: bool, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        from bdgf.nn.selective_scan import cpu_conv_kernels as kernels

        x, weight, bias = rows(x), weight.t().contiguous(), bias.contiguous()
        size, taps = tuple(x.shape), weight.shape[0]
        y = torch.empty(size)
        tasks = size[0] * -(-size[2] // kernels.LANES)
        threads = thread_count(tasks, x.numel() * taps * _OPERATIONS_A_TAP)
        scratch = torch.empty(threads, kernels.forward_scratch(taps), dtype=torch.uint8)
        weights = (weight.data_ptr(), bias.data_ptr())

        def run(first: int, last: int, worker: int) -> None:
            kernels.conv_forward(
                first,
                last,
                (*size, taps),
                reverse,
                row_strides(x),
                weights,
                y.data_ptr(),
                scratch[worker].data_ptr(),
            )

        run_tasks(run, tasks, threads)
        ctx.reverse = reverse
        ctx.save_for_backward(x, weight, bias)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        from bdgf.nn.selective_scan import cpu_conv_kernels as kernels

        x, weight, bias = ctx.saved_tensors
        grad = rows(grad)
        size, taps = tuple(x.shape), weight.shape[0]
        groups = max(1, min(size[0], GROUPS))
        x_grad = torch.empty(size)
        parts = torch.empty(groups, taps + 1, size[2])
        tasks = groups * -(-size[2] // kernels.LANES)
        threads = thread_count(tasks, 3 * x.numel() * taps * _OPERATIONS_A_TAP)
        scratch = torch.empty(threads, kernels.backward_scratch(size[1], taps), dtype=torch.uint8)
        weights = (weight.data_ptr(), bias.data_ptr())

        def run(first: int, last: int, worker: int) -> None:
            kernels.conv_backward(
                first,
                last,
                (*size, taps),
                groups,
                ctx.reverse,
                row_strides(x),
                weights,
                row_strides(grad),
                (x_grad.data_ptr(), parts.data_ptr()),
                scratch[worker].data_ptr(),
            )

        run_tasks(run, tasks, threads)
        summed = torch.from_numpy(parts.numpy().sum(axis=0))
        return None, x_grad, summed[:taps].t(), summed[taps]
