"""Clients of dask.distributed: of workers on this machine, or of a scheduler elsewhere.

`distributed` is imported when a client is opened: it comes with the extra `cluster`. A client is
no default: else every array of xarray in this process would be computed and saved by its workers.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bdgf.core.errors import SettingsError

CONNECT_SECONDS = 30
"""Longest wait for a scheduler's answer, and for its first worker."""

_LOOPBACK = "127.0.0.1"
_ANY_PORT = f"{_LOOPBACK}:0"  # a scheduler serves its state in any case: None means port 8787
_REASON_CHARACTERS = 200
_HASH_SEED = "PYTHONHASHSEED"  # a nanny sets it beside what its settings name


@contextmanager
def local_workers(count: int, asked_by: str) -> Iterator[Any]:
    """Starts worker processes on this machine, each for one task at a time.

    They end with the block, or with this process if that is killed. Ctrl-C in the terminal reaches
    this process alone, which then decides what becomes of them.

    Args:
        count: Number of workers.
        asked_by: The setting or option that asks for them, for messages.

    Yields:
        The `distributed.Client`.

    Raises:
        SettingsError: The extra is missing.
    """
    distributed = _distributed(asked_by)
    with (
        _environment_kept(),
        distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            host=_LOOPBACK,
            dashboard_address=_ANY_PORT,
        ) as cluster,
        _closing(distributed.Client(cluster, set_as_default=False)) as client,
    ):
        client.register_plugin(_deaf_to_ctrl_c(distributed.WorkerPlugin))
        yield client


@contextmanager
def remote_workers(address: str, asked_by: str) -> Iterator[Any]:
    """Connects to the workers of a scheduler.

    Args:
        address: The scheduler's address, such as `tcp://host:8786`.
        asked_by: The setting or option that asks for them, for messages.

    Yields:
        The `distributed.Client`; at least one worker is there.

    Raises:
        SettingsError: The extra is missing, nobody answers at the address, or there is no worker.
    """
    distributed = _distributed(asked_by)
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:_REASON_CHARACTERS]
        raise SettingsError(
            f"no dask scheduler answers at {address} ({reason}); start one with "
            f"`dask scheduler`, or correct {asked_by}"
        ) from error
    with _closing(client):
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise SettingsError(
                f"the dask scheduler at {address} has no workers; start some with "
                f"`dask worker {address}`"
            ) from error
        yield client


@contextmanager
def _closing(client: Any) -> Iterator[Any]:
    try:
        yield client
    finally:
        with suppress(TimeoutError):  # a scheduler that is gone does not answer
            client.close()


@contextmanager
def _environment_kept() -> Iterator[None]:
    # Dask writes what its workers are to find into this process's environment and leaves it there:
    # programs that are started later would have one thread, and dask's log as it is set here.
    import dask.config

    names = {_HASH_SEED, *dask.config.get("distributed.nanny.pre-spawn-environ")}
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _distributed(asked_by: str) -> Any:
    try:
        import dask.config

        _quiet(dask.config)
        import distributed
    except ImportError as error:
        raise SettingsError(
            f"{asked_by} needs dask.distributed; install it: pip install 'bdgf[cluster]'"
        ) from error
    return distributed


def _quiet(config: Any) -> None:
    # Dask tells every port and worker. A level in its own configuration counts; a worker sets up
    # its log before it is given that, and reads it from the environment.
    level = config.get("logging.distributed", "warning")
    environment = {"DASK_LOGGING__DISTRIBUTED": level}
    config.update_defaults(
        {
            "logging": {"distributed": level},
            "distributed": {"nanny": {"pre-spawn-environ": environment}},
        }
    )


def _deaf_to_ctrl_c(plugin: type) -> Any:
    # The terminal sends Ctrl-C to every process: a worker would end at once, with a traceback.
    class DeafToCtrlC(plugin):
        def setup(self, worker: Any) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return DeafToCtrlC()
