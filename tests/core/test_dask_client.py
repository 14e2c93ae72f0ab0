"""Clients of dask: workers here, and schedulers that are not as they should be."""

import os
import signal
import socket
import sys
from unittest.mock import patch

import dask.base
import pytest

from bdgf.core.dask_client import local_workers, remote_workers
from bdgf.core.errors import SettingsError

distributed = pytest.importorskip("distributed")


def test_ctrl_c_does_not_reach_the_workers() -> None:
    with local_workers(1, "--workers") as client:
        ((address, process),) = client.run(os.getpid).items()
        os.kill(process, signal.SIGINT)
        assert client.submit(os.getpid).result(30) == process
        assert address in client.nthreads()


def test_arrays_of_this_process_stay_in_it() -> None:
    """A default client would take xarray's, and leave none to save them once it is closed."""
    with local_workers(1, "--workers"):
        assert dask.config.get("scheduler", None) is None
        assert dask.base.get_scheduler() is None


def test_the_environment_of_this_process_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "PYTHONHASHSEED", "DASK_LOGGING__DISTRIBUTED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("__DASK_PARENT_PID", raising=False)
    before = dict(os.environ)
    with local_workers(1, "--workers") as client:
        ((_, threads),) = client.run(os.environ.get, "OMP_NUM_THREADS").items()
        assert threads == "1"
    own = {"__DASK_PARENT_PID"}  # how a worker of dask's knows that it is not this process
    assert {name: value for name, value in os.environ.items() if name not in own} == before


def test_a_client_that_cannot_be_closed_changes_no_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    close = distributed.Client.close

    def late(self: distributed.Client, *arguments: object) -> None:
        close(self, *arguments)
        raise TimeoutError("timed out after 2 s.")

    monkeypatch.setattr(distributed.Client, "close", late)
    with pytest.raises(SettingsError, match="mine"), local_workers(1, "--workers"):
        raise SettingsError("mine")


@pytest.mark.parametrize("opened", [local_workers, remote_workers])
def test_without_the_extra_the_line_says_how_to_get_it(opened) -> None:
    with (
        patch.dict(sys.modules, {"distributed": None}),
        pytest.raises(SettingsError, match=r"^--this needs .*pip install 'bdgf\[cluster\]'"),
        opened("tcp://127.0.0.1:1", "--this"),
    ):
        pass


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdgf.core.dask_client.CONNECT_SECONDS", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with (
        pytest.raises(SettingsError, match=f"answers at {address} .*correct --scheduler$"),
        remote_workers(address, "--scheduler"),
    ):
        pass


@pytest.mark.parametrize("address", ["host:eight", "smoke://host:8786", ""])
def test_what_is_no_address_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdgf.core.dask_client.CONNECT_SECONDS", 1)
    with (
        pytest.raises(SettingsError, match=r"correct --scheduler$"),
        remote_workers(address, "--scheduler"),
    ):
        pass


def test_a_scheduler_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdgf.core.dask_client.CONNECT_SECONDS", 1)
    with (
        distributed.LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=None) as cluster,
        pytest.raises(SettingsError, match="has no workers; start some with `dask worker tcp"),
        remote_workers(cluster.scheduler_address, "--scheduler"),
    ):
        pass
