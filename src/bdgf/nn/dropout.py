"""Dropout that can draw from a stream of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class _Stream(threading.local):
    # The generator that this thread's dropout draws from; None takes PyTorch's global one.
    generator: torch.Generator | None = None


_STREAM = _Stream()


@contextmanager
def dropout_from(generator: torch.Generator) -> Iterator[None]:
    """Lets this thread's dropout draw from `generator`.

    Threads that share the global generator would draw in the order in which they happen to run.
    """
    before, _STREAM.generator = _STREAM.generator, generator
    try:
        yield
    finally:
        _STREAM.generator = before


class Dropout(nn.Module):
    """`torch.nn.Dropout`, to the bit, that draws as `dropout_from` says."""

    def __init__(self, rate: float) -> None:
        """Builds it.

        Args:
            rate: Share of the numbers that are zeroed in training; the rest is scaled up.
        """
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Zeroes numbers of a tensor of any shape; in evaluation none."""
        if not self.training or self.rate == 0:
            return x
        kept = 1 - self.rate
        mask = torch.empty_like(x).bernoulli_(kept, generator=_STREAM.generator)
        return x * mask.div_(kept)

    def extra_repr(self) -> str:
        """The rate."""
        return f"rate={self.rate}"
