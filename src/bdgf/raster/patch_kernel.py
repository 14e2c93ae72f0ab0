"""The gather of patches on a CPU: a compiled copy, cell by cell, in torch's number of threads.

Numba is imported at the first gather, for it costs a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bdgf.core.numba_kernels import numba_kernel, run_tasks, thread_count


class Wanted(NamedTuple):
    """Patches of one channels-last map on a CPU.

    Attributes:
        maps: (h, w, C) contiguous, any dtype.
        rows: (B,) int64, rows of the patches' centres in the map.
        cols: (B,) int64, their columns.
        offsets: (S, 2, size, size) int64, row and column of a patch's cells under S symmetries.
    """

    maps: Tensor
    rows: Tensor
    cols: Tensor
    offsets: Tensor


def copy_patches(wanted: Sequence[Wanted], symmetry: Tensor | None) -> list[Tensor]:
    """Patches of several maps in one pass over the batch, zero outside their map.

    Args:
        wanted: The maps, each with the same number of patches.
        symmetry: (B,) int64 below S; None takes the first for all.

    Returns:
        (B, size, size, C) of each.
    """
    count = len(wanted[0].rows)
    turns = np.zeros(count, np.int64) if symmetry is None else symmetry.contiguous().numpy()
    patches, copies, words = [], [], 0
    for maps, rows, cols, offsets in wanted:
        height, width, channels = maps.shape
        size = offsets.shape[-1]
        patches.append(maps.new_empty((count, size, size, channels)))
        octets = channels * maps.element_size()  # of a cell
        word = next(size for size in (8, 4, 2, 1) if octets % size == 0)
        places = rows.contiguous().numpy(), cols.contiguous().numpy(), turns
        target = _words(patches[-1], word)
        grid = height, width, *places, offsets.flatten(2).numpy(), size
        copies.append((_words(maps, word), *grid, target, octets // word))
        words += target.size
    kernel = _kernel()

    def copy(first: int, last: int, worker: int) -> None:
        for arguments in copies:
            kernel(*arguments, first, last)

    run_tasks(copy, count, thread_count(count, words))
    return patches


def _words(cells: Tensor, size: int) -> np.ndarray:
    # Flat integers of `size` bytes, whatever the dtype, NumPy's or not.
    return cells.reshape(-1).view(torch.uint8).numpy().view(f"u{size}")


@cache
def _kernel() -> Any:
    return numba_kernel(_copy)


def _copy(
    source: Any,
    height: int,
    width: int,
    rows: Any,
    cols: Any,
    turns: Any,
    steps: Any,
    side: int,
    target: Any,
    words: int,
    first: int,
    last: int,
) -> None:
    cells = side * side
    for patch in range(first, last):
        turn = turns[patch]
        if turn == 0:  # a patch's row is one run of the map
            left = cols[patch] - side // 2
            begin, end = max(left, 0), min(left + side, width)
            for line in range(side):
                row = rows[patch] + line - side // 2
                at = (patch * cells + line * side) * words
                if row < 0 or row >= height or begin >= end:
                    target[at : at + side * words].fill(0)
                    continue
                start, stop = at + (begin - left) * words, at + (end - left) * words
                target[at:start].fill(0)
                place = (row * width + begin) * words
                run, wanted = target[start:stop], source[place : place + stop - start]
                for word in range(len(run)):  # over slices: no index can be negative
                    run[word] = wanted[word]
                target[stop : at + side * words].fill(0)
            continue
        for cell in range(cells):
            row = rows[patch] + steps[turn, 0, cell]
            col = cols[patch] + steps[turn, 1, cell]
            at = (patch * cells + cell) * words
            if 0 <= row < height and 0 <= col < width:
                place = (row * width + col) * words
                run, wanted = target[at : at + words], source[place : place + words]
                for word in range(words):
                    run[word] = wanted[word]
            else:
                target[at : at + words].fill(0)
