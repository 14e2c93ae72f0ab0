"""PyTorch's threads follow a container's processor time, unless the user said otherwise."""

import pytest
import torch

from bdgf.training import threads
from bdgf.training.devices import arithmetic, make_fabric


@pytest.fixture(autouse=True)
def four_threads(monkeypatch: pytest.MonkeyPatch):
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    threads.limit_threads.cache_clear()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    yield
    threads.limit_threads.cache_clear()
    torch.set_num_threads(before)


@pytest.mark.parametrize("asks", [lambda: arithmetic("cpu"), make_fabric])
def test_a_container_with_less_time_has_fewer_threads(monkeypatch, asks):
    monkeypatch.setattr(threads, "machine_cores", lambda: 3)
    asks()
    assert torch.get_num_threads() == 3
    assert arithmetic("cpu") == ["cpu", 3]


def test_what_the_user_said_stays(monkeypatch):
    monkeypatch.setattr(threads, "machine_cores", lambda: 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    threads.limit_threads()
    assert torch.get_num_threads() == 4


def test_more_cores_than_threads_change_nothing(monkeypatch):
    monkeypatch.setattr(threads, "machine_cores", lambda: 64)
    threads.limit_threads()
    assert torch.get_num_threads() == 4
