"""Lanes: one thread each, results in order, PyTorch's number of threads given back."""

import threading
import time

import pytest
import torch

from bdgf.training.lanes import ONE_LANE, even_parts, open_lanes

CPU = torch.device("cpu")


@pytest.mark.usefixtures("two_threads")
def test_each_lane_computes_on_one_thread():
    meet = threading.Barrier(2)  # both are at work at once

    def threads(_: int) -> tuple[int, str]:
        torch.ones(4) @ torch.ones(4)
        meet.wait(timeout=60)
        return torch.get_num_threads(), threading.current_thread().name

    with open_lanes(CPU) as lanes:
        assert lanes.count == 2
        found = list(lanes.map(threads, range(2)))
        assert torch.get_num_threads() == 1  # the caller's too
    assert [count for count, _ in found] == [1, 1]
    assert len({name for _, name in found}) == 2
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_results_come_in_the_parts_order():
    def late(number: int) -> int:
        time.sleep(0.02 * (3 - number))
        return number

    with open_lanes(CPU) as lanes:
        assert list(lanes.map(late, range(4))) == [0, 1, 2, 3]


@pytest.mark.usefixtures("two_threads")
def test_an_error_in_a_lane_is_the_callers():
    def fails(number: int) -> int:
        raise ValueError(f"part {number}")

    with pytest.raises(ValueError, match="part 0"), open_lanes(CPU) as lanes:
        list(lanes.map(fails, range(2)))
    assert torch.get_num_threads() == 2


def test_one_thread_or_another_device_has_the_callers_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with open_lanes(CPU) as lanes:
            assert lanes is ONE_LANE
            names = list(lanes.map(lambda _: threading.current_thread().name, range(2)))
            assert names == [threading.current_thread().name] * 2
    finally:
        torch.set_num_threads(before)
    with open_lanes(torch.device("cuda")) as lanes:
        assert lanes is ONE_LANE


@pytest.mark.parametrize(
    ("samples", "most", "sizes"),
    [(64, 2, [32, 32]), (31, 2, [31]), (33, 2, [16, 17]), (64, 9, [16] * 4), (64, 1, [64])],
)
def test_parts_are_even_and_cover_all(samples: int, most: int, sizes: list[int]):
    parts = even_parts(samples, most, least=16)
    assert [part.stop - part.start for part in parts] == sizes
    assert [number for part in parts for number in range(samples)[part]] == list(range(samples))
