"""Batches of patches in the layout of the compiled blocks, and what is done with them.

`Cells` are (B, C, S) float32; see `kernels.py`. A module with a method `fused` works on them in
place and gives what its `forward` gives, to rounding. Where its sizes do not fit the kernels, its
attribute `fusible` is False.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.profiler import record_function

from bdgf.core.numba_kernels import run_tasks, thread_count

Layer = TypeVar("Layer", bound=nn.Module)

OUTPUTS = 4
"""Rows that a product makes at once: channels and heads' channels must be multiples of this."""
LANES = 32
"""`bdgf.nn.simd.LANES`, which would import Numba."""


@dataclass(frozen=True)
class Cells:
    """A batch of small square grids.

    Attributes:
        data: (B, C, S) float32, contiguous; S is `count` rounded up to whole vectors.
        count: Number of cells of a grid.
    """

    data: Tensor
    count: int

    @property
    def channels(self) -> int:
        """C."""
        return self.data.shape[1]

    @property
    def row(self) -> int:
        """S."""
        return self.data.shape[2]


class SharedCells(list[Tensor]):
    """Grids (B, h, w, C) that several modules read; as cells they are made once."""

    def __init__(self, grids: Sequence[Tensor]) -> None:
        super().__init__(grids)
        self._cells: dict[int, Cells] = {}

    def cells(self, number: int) -> Cells:
        """One of the grids as cells, which nobody changes."""
        if number not in self._cells:
            self._cells[number] = channels_first(self[number])
        return self._cells[number]


@cache
def _wide_registers() -> bool:
    # With AVX2 the products run out of registers, and PyTorch's operators are faster.
    return torch.backends.cpu.get_cpu_capability() == "AVX512"


def can_fuse(module: nn.Module, grid: Tensor) -> bool:
    """Whether compiled blocks may replace a module's operators on a grid (B, h, w, C).

    They have no backward pass, drop nothing out, and work in float32 on a CPU with AVX-512.
    """
    return (
        not module.training
        and _wide_registers()
        and not torch.is_grad_enabled()
        and grid.device.type == "cpu"
        and grid.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and grid.shape[-1] % OUTPUTS == 0
    )


def channels_first(grid: Tensor) -> Cells:
    """The cells of grids (B, h, w, C) float32."""
    from bdgf.nn.fused import kernels

    batch, height, width, channels = grid.shape
    source, count = grid.contiguous(), height * width
    out = torch.empty(batch, channels, row_length(count))
    shape = count, channels, out.shape[2]
    run(kernels.channels_first, batch, out.numel(), shape, source, out)
    return Cells(out, count)


def resampled(cells: Cells, matrix: Tensor) -> Cells:
    """Cells times weights (new cells, cells)."""
    from bdgf.nn.fused import kernels

    batch, count = len(cells.data), len(matrix)
    out = torch.empty(batch, cells.channels, row_length(count))
    weights = padded(matrix.t())
    shape = cells.channels, cells.count, cells.row, out.shape[2]
    run(kernels.resample, batch, out.numel() * cells.count, shape, cells.data, weights, out)
    return Cells(out, count)


def weighted_sums(cells: Cells, weights: Tensor) -> Tensor:
    """(B, C) sums over the cells by weights (cells,)."""
    from bdgf.nn.fused import kernels

    batch = len(cells.data)
    out = torch.empty(batch, cells.channels)
    shape = cells.channels, cells.row
    run(
        kernels.weighted_sums,
        *(batch, cells.data.numel(), shape, cells.data, padded(weights[None])[0], out),
    )
    return out


def run(
    kernel: Callable[..., None],
    patches: int,
    operations: int,
    shape: Any,
    *arrays: Tensor | tuple[Tensor, ...],
    scratch: int = 0,
) -> None:
    """Runs a kernel over a batch, in as many threads as its work is worth.

    Args:
        kernel: Of `kernels.py`.
        patches: B.
        operations: Roughly, of the whole batch.
        shape: The kernel's.
        *arrays: Contiguous float32 tensors, or tuples of such.
        scratch: Numbers that a thread needs beside them; 0 where the kernel takes none.
    """
    threads = thread_count(patches, operations)
    addresses = [
        array.data_ptr() if isinstance(array, Tensor) else tuple(one.data_ptr() for one in array)
        for array in arrays
    ]
    room = torch.empty(threads, scratch) if scratch else None

    def work(first: int, last: int, worker: int) -> None:
        more = () if room is None else (room[worker].data_ptr(),)
        kernel(first, last, shape, *addresses, *more)

    with record_function(f"bdgf::{kernel.__name__}"):  # a name in profiles
        run_tasks(work, patches, threads)


def row_length(cells: int) -> int:
    """S of a number of cells."""
    return -(-cells // LANES) * LANES


def softmax_scale(depth: int) -> float:
    """Of the queries, for an attention that takes powers of two of products over `depth`."""
    return math.log2(math.e) / math.sqrt(depth)


def scores_room(keys: int) -> int:
    """Numbers that an attention needs for its scores."""
    return (keys + OUTPUTS - 1) * LANES


def padded(maps: Tensor) -> Tensor:
    """(n, cells) to (n, S), zero behind the last cell."""
    out = maps.new_zeros(maps.shape[0], row_length(maps.shape[1]), dtype=torch.float32)
    out[:, : maps.shape[1]] = maps
    return out


def layers_of(layers: nn.Sequential, kind: type[Layer]) -> list[Layer]:
    """The layers of one kind, in order."""
    return [layer for layer in layers if isinstance(layer, kind)]


def product_weights(
    linear: nn.Linear,
    norm: nn.LayerNorm | None = None,
    scale: Sequence[float] | Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Weights (inputs, outputs) and bias (outputs,) of a linear layer for the kernels.

    Args:
        linear: The layer.
        norm: What stands before it, whose scale and shift are multiplied in.
        scale: (outputs,) factors on what comes out.
    """
    weight: Tensor = linear.weight
    bias: Tensor = linear.bias
    if norm is not None:
        bias = torch.addmv(bias, weight, norm.bias)
        weight = weight * norm.weight
    if scale is not None:
        factors = torch.as_tensor(scale)
        weight, bias = weight * factors[:, None], bias * factors
    return weight.t().contiguous(), bias.contiguous()
