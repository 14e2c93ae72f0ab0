"""Lanes: parts of a batch side by side, each computed on one thread.

Most operations on a batch of patches are too small to be split over threads: all threads would wait
for each other at each of them, and for long where another process holds one up. Parts of the batch
meet at their ends only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

import torch

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")


class Lanes:
    """Threads that work side by side.

    Attributes:
        count: How many there are; one is the caller's own thread.
    """

    def __init__(self, pool: ThreadPoolExecutor | None, count: int) -> None:
        """Takes a pool of `count` threads; None works in the caller's thread."""
        self._pool, self.count = pool, count

    def map(
        self, function: Callable[[_Part], _Result], parts: Iterable[_Part]
    ) -> Iterator[_Result]:
        """The function's results, in the parts' order."""
        if self._pool is None:
            return map(function, parts)
        return self._pool.map(function, parts)


def even_parts(samples: int, most: int, least: int) -> Sequence[slice]:
    """At most `most` even parts of `samples`, none smaller than `least` where there are two."""
    count = max(1, min(most, samples // least))
    ends = [samples * number // count for number in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(ends)]


ONE_LANE = Lanes(None, 1)
"""The caller's thread."""


@contextmanager
def open_lanes(device: torch.device) -> Iterator[Lanes]:
    """As many lanes as PyTorch has threads; elsewhere than on a CPU one.

    While they are open, PyTorch computes on one thread in each of them and in the caller's.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        yield ONE_LANE
        return
    # A thread takes the number when it computes for the first time.
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, thread_name_prefix="bdgf-lane") as pool:
            try:
                yield Lanes(pool, threads)
            finally:
                pool.shutdown(cancel_futures=True)  # where it was interrupted
    finally:
        torch.set_num_threads(threads)
