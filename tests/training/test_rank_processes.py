"""The processes of a training on this machine: started, ended, missed."""

import psutil
import pytest
import torch

from bdgf.core.errors import RankError, SettingsError
from bdgf.training.devices import DeviceSettings
from bdgf.training.rank_processes import rank_threads, training_ranks
from bdgf.training.ranks import ALONE

HELPER = "tests.training.rank_helper"
TWO = DeviceSettings(accelerator="cpu", count=2)


def helpers():
    return [child for child in psutil.Process().children() if HELPER in child.cmdline()]


def said(*words, before=lambda: None):
    """Starts a helper and tells it so."""
    with training_ranks(TWO, HELPER) as ranks:
        before()
        for word in words:
            ranks.shared_bytes(word)


def test_one_device_takes_no_other_process():
    with training_ranks(DeviceSettings(accelerator="cpu"), "no.such.module") as ranks:
        assert ranks == ALONE
        assert not torch.distributed.is_initialized()


@pytest.mark.slow
def test_rank_processs_are_gone_when_the_training_is():
    threads = torch.get_num_threads()
    with training_ranks(TWO, HELPER) as ranks:
        assert (ranks.rank, ranks.count) == (0, 2)
        assert len(helpers()) == 1
        ranks.shared_bytes(b"end")
    assert not helpers()
    assert not torch.distributed.is_initialized()
    assert torch.get_num_threads() == threads


def test_processes_share_the_threads_of_this_one_but_not_under_torchrun(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    devices = [DeviceSettings(accelerator="cpu", count=count) for count in (1, 3, 99)]
    assert [rank_threads(settings) for settings in devices] == [8, 2, 1]
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert rank_threads(devices[1]) == 8


@pytest.mark.slow
def test_an_error_of_a_helper_is_one_line():
    with pytest.raises(RankError, match="rank 1 failed: ValueError: this rank cannot; type the"):
        said(b"fail", b"end")
    assert not helpers()


def test_a_helper_that_is_killed_is_one_line():
    with pytest.raises(RankError, match="rank 1 was killed by SIGKILL"):
        said(b"total", before=lambda: helpers()[0].kill())


def test_a_helper_that_cannot_begin_is_one_line():
    with (
        pytest.raises(RankError, match=r"rank 1 failed: .*No module named no_such_module"),
        training_ranks(TWO, "no_such_module"),
    ):
        pass


@pytest.mark.slow
def test_an_error_of_the_first_goes_its_way_and_ends_the_others():
    with pytest.raises(RuntimeError, match="of its own"), training_ranks(TWO, HELPER):
        raise RuntimeError("of its own")
    assert not helpers()


def test_torchrun_s_number_must_be_the_settings(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with (
        pytest.raises(SettingsError, match=r"torchrun started 4 .* give --params devices\.count=4"),
        training_ranks(TWO, HELPER),
    ):
        pass
