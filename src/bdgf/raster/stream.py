"""Processes a raster block by block, with memory independent of the raster's size."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Protocol, TypeVar

import numpy as np

from bdgf.raster.windows import Window

log = logging.getLogger(__name__)

Block = TypeVar("Block")

AHEAD = 2
"""Blocks under way for each worker: while one is taken in, the next ones are made."""


class Sink(Protocol):
    """Receives the layers of a raster block by block.

    Attributes:
        done: Whether a block was taken already, by an earlier run of the same.
    """

    def done(self, number: int) -> bool:
        """Whether the block of this number is there."""
        ...

    def write(self, number: int, window: Window, layers: dict[str, np.ndarray]) -> None:
        """Receives the layers of a block, (h, w) or (bands, h, w) each."""
        ...


def stream(
    windows: Sequence[Window],
    step: Callable[[Window], dict[str, np.ndarray]],
    sink: Sink,
    executor: Executor | None = None,
    *,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Makes each block that the sink does not have, and hands it over.

    Args:
        windows: The blocks; together they are the raster.
        step: Reads what it needs around a block and makes its layers. It has to be picklable where
            the executor's workers are other processes. The same block gives the same layers.
        sink: Takes them, in the order in which they are finished, in this thread.
        executor: Makes the blocks; None makes them here, one after the other.
        workers: How many blocks the executor makes at a time.
        progress: Called with the pixels of each block that is there.
    """
    waiting = []
    for number, window in enumerate(windows):
        if sink.done(number):
            _tell(progress, window)
        else:
            waiting.append((number, window))
    for number, window, layers in _made(waiting, step, executor, workers * AHEAD):
        sink.write(number, window, layers)
        _tell(progress, window)


def _made(
    waiting: Sequence[tuple[int, Window]],
    step: Callable[[Window], dict[str, np.ndarray]],
    executor: Executor | None,
    most: int,
) -> Iterator[tuple[int, Window, dict[str, np.ndarray]]]:
    if executor is None:
        for number, window in waiting:
            yield number, window, step(window)
        return
    running: deque[tuple[int, Window, Future[dict[str, np.ndarray]]]] = deque()
    try:
        for number, window in waiting:
            running.append((number, window, executor.submit(step, window)))
            if len(running) >= most:
                first, where, future = running.popleft()
                yield first, where, future.result()
        while running:
            first, where, future = running.popleft()
            yield first, where, future.result()
    finally:
        for _, _, future in running:
            future.cancel()


def _tell(progress: Callable[[int], None] | None, window: Window) -> None:
    if progress is not None:
        progress(window.shape[0] * window.shape[1])
