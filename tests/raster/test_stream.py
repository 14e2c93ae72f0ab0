"""Blocks through a step to a sink."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bdgf.raster.stream import stream
from bdgf.raster.windows import blocks

SHAPE = (23, 31)
WINDOWS = list(blocks(SHAPE, 8))
RASTER = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)


class Memory:
    def __init__(self, there=()):
        self.maps, self.there, self.order = np.zeros(SHAPE, int), set(there), []

    def done(self, number):
        return number in self.there

    def write(self, number, window, layers):
        self.order.append(number)
        self.maps[window.index] = layers["double"]


def double(window):
    return {"double": 2 * RASTER[window.index]}


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_every_block_reaches_the_sink_in_order(workers):
    sink, pixels = Memory(), []
    if workers:
        with ThreadPoolExecutor(workers) as pool:
            stream(WINDOWS, double, sink, pool, workers=workers, progress=pixels.append)
    else:
        stream(WINDOWS, double, sink, progress=pixels.append)
    np.testing.assert_array_equal(sink.maps, 2 * RASTER)
    assert sink.order == list(range(len(WINDOWS)))
    assert sum(pixels) == RASTER.size


def test_what_is_there_is_not_made_again():
    made, sink, pixels = [], Memory(there={0, 5}), []

    def step(window):
        made.append(window)
        return double(window)

    stream(WINDOWS, step, sink, progress=pixels.append)
    assert made == [window for n, window in enumerate(WINDOWS) if n not in (0, 5)]
    assert sum(pixels) == RASTER.size


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_in_a_step_ends_the_stream(workers):
    def step(window):
        if window == WINDOWS[3]:
            raise ValueError("a block that cannot be")
        return double(window)

    sink = Memory()
    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match="cannot be"):
        stream(WINDOWS, step, sink, pool if workers else None, workers=2)
    assert sink.order == [0, 1, 2]
