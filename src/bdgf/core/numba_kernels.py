"""Compiled kernels that run without the GIL, and their threads."""

import itertools
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import torch

log = logging.getLogger(__name__)

_PIECES = 4
"""Pieces of work a thread: one that another process holds up does not hold up the rest."""
_WORTH_A_THREAD = 1 << 19
"""Operations under which waking a thread costs more than it saves."""


def numba_kernel(function: Callable[..., None], **options: Any) -> Callable[..., None]:
    """Compile at the first call, to run without the GIL; cached where a folder can be written.

    Args:
        function: What Numba compiles.
        **options: Numba's.
    """
    from numba import njit

    try:
        return njit(cache=True, nogil=True, **options)(function)
    except (RuntimeError, OSError) as error:
        log.info("CPU kernels are compiled again in each process: %s", error)
        return njit(nogil=True, **options)(function)


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="bdgf-kernel")


if hasattr(os, "register_at_fork"):  # the threads of a pool do not survive a fork
    os.register_at_fork(after_in_child=_pool.cache_clear)


def thread_count(tasks: int, operations: int) -> int:
    """Threads worth using: at most torch's own number, at most one a task."""
    return max(1, min(torch.get_num_threads(), tasks, operations // _WORTH_A_THREAD))


def run_tasks(kernel: Callable[[int, int, int], None], tasks: int, threads: int) -> None:
    """Run `kernel(first, last, worker)` over all tasks in several threads, one the caller's.

    Threads of our own rather than Numba's `prange`: of its thread layers, one keeps a second pool
    of spinning threads beside torch's and another cannot be entered twice, and a parallel kernel
    takes several times as long to compile.
    """
    if threads == 1:
        kernel(0, tasks, 0)
        return
    pieces = min(tasks, threads * _PIECES)
    counter = itertools.count()

    def work(worker: int) -> None:
        while (piece := next(counter)) < pieces:
            kernel(piece * tasks // pieces, (piece + 1) * tasks // pieces, worker)

    others = [_pool(threads - 1).submit(work, worker) for worker in range(1, threads)]
    try:
        work(0)
    finally:  # the caller's buffers must outlive every thread
        for other in others:
            other.result()
