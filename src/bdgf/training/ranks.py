"""The processes that train one network together, one for each device, and what they exchange.

Every process draws the same random numbers for the whole batch and computes a part of it. Sums are
taken over all processes before anything is divided, so that the loss, its gradient and all that
follows from them are those of one process, but for rounding.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from bdgf.core.mapped_file import is_mapped, mapped_array, release

_PIECE = 2**26
"""Bytes of an array that are sent at a time."""


@dataclass(frozen=True)
class Ranks:
    """One of the processes of a training, and how many there are.

    Attributes:
        rank: Its number; 0 logs, validates and writes.
        count: How many processes train.
        local_rank: Its number among those of its machine, which is the number of its device.
        local_count: How many there are on its machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process logs, validates and writes."""
        return self.rank == 0

    def part(self, batch: int) -> slice:
        """This process's part of a batch of so many; the parts differ by one at most."""
        return slice(self.rank * batch // self.count, (self.rank + 1) * batch // self.count)

    def total(self, sums: Tensor) -> Tensor:
        """Sums over all processes, equal to the bit in each of them.

        The gradient of this process's part is multiplied by `count`, for that of the network is
        averaged over the processes: the average then is the gradient of the total.

        Args:
            sums: This process's sums, any shape, on its device.
        """
        if self.count == 1:
            return sums
        total: Tensor = _Total.apply(sums, self.count)
        return total

    def from_first(self, tensor: Tensor) -> Tensor:
        """The first process's tensor of this shape, on the device."""
        if self.count == 1:
            return tensor
        tensor = tensor.contiguous()
        dist.broadcast(tensor, 0)
        return tensor

    def shared_bytes(self, payload: bytes = b"") -> bytes:
        """The first process's bytes."""
        if self.count == 1:
            return payload
        size = torch.tensor([len(payload)])
        dist.broadcast(size, 0)
        held = np.empty(int(size), np.uint8)
        if self.is_first:
            held[:] = np.frombuffer(payload, np.uint8)
        _broadcast(held)
        return held.tobytes()

    def shared_state(self, state: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The first process's state of a checkpoint, on the CPU; None where it has none."""
        if self.count == 1:
            return None if state is None else dict(state)
        packed = io.BytesIO()
        if self.is_first:
            torch.save(None if state is None else dict(state), packed)
        sent = io.BytesIO(self.shared_bytes(packed.getvalue()))
        found: dict[str, Any] | None = torch.load(sent, map_location="cpu", weights_only=True)
        return found

    def shared_array(self, array: np.ndarray | None = None) -> np.ndarray:
        """The first process's array, in memory; in an unnamed file where it lies in one there.

        Args:
            array: The array, in the first process; the others give None.
        """
        if self.count == 1:
            assert array is not None
            return array
        form: list[Any] = []
        if array is not None:
            form = [array.shape, array.dtype.str, is_mapped(array), _PIECE]
        shape, kind, mapped, piece = json.loads(self.shared_bytes(json.dumps(form).encode()))
        if array is None:
            array = (mapped_array if mapped else np.empty)(tuple(shape), np.dtype(kind))
        whole = np.ascontiguousarray(array)
        flat = whole.reshape(-1).view(np.uint8)
        for start in range(0, len(flat), piece):
            _broadcast(flat[start : start + piece])
            release(whole)
        return array


ALONE = Ranks()
"""The only process of its training."""


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, sums: Tensor, count: int) -> Tensor:
        ctx.count = count
        total = sums.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.count * gradients[0], None


def _broadcast(held: np.ndarray) -> None:
    if not held.size:
        return
    if held.flags.writeable:
        dist.broadcast(torch.from_numpy(held), 0)
    else:  # PyTorch takes only what it may write to
        dist.broadcast(torch.from_numpy(held.copy()), 0)
