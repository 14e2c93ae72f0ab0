"""Starts the other processes of a training, and ends them with it.

The process that would train alone is rank 0, with its curves, checkpoints and signals. The others
are its helpers: `python -m <module>` on this machine, or what torchrun started beside it.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist

from bdgf.core.errors import SettingsError
from bdgf.training.devices import DeviceSettings, require_devices, resolve_accelerator
from bdgf.training.process_group import abort_group, lost_ranks_told, process_group
from bdgf.training.ranks import ALONE, Ranks
from bdgf.training.torchrun import (
    help_torchrun,
    is_torchrun_helper,
    torchrun_count,
    torchrun_ranks,
)

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.05
_LAST_SECONDS = 5.0
"""A helper that failed has ended so long after rank 0 noticed."""


@contextmanager
def training_ranks(settings: DeviceSettings, module: str) -> Iterator[Ranks]:
    """The processes of one training, of which this one is the first.

    Args:
        settings: How many, on which devices.
        module: What a helper on this machine runs; it calls `run_helper`.

    Raises:
        SettingsError: There are not so many devices, or torchrun started another number.
        RankError: A helper failed or was killed.
    """
    started = torchrun_count()
    if started not in (1, settings.count):
        raise SettingsError(
            f"torchrun started {started} processes, and devices.count is {settings.count}; give "
            f"--params devices.count={started}, or start kedro without torchrun"
        )
    if settings.count == 1:
        yield ALONE
    elif started > 1:
        with torchrun_ranks(resolve_accelerator(settings)) as ranks:
            yield ranks
    else:
        require_devices(settings)
        with _Helpers(settings, module).running() as ranks:
            yield ranks


def rank_threads(settings: DeviceSettings) -> int:
    """Threads that each process of a training computes on.

    The processes of this machine share those of this one. Under torchrun each has its own already.
    """
    threads = torch.get_num_threads()
    return threads if torchrun_count() > 1 else max(1, threads // settings.count)


def run_helper(train: Callable[[Ranks], None], arguments: Sequence[str] = ()) -> None:
    """What a helper does: it takes part in a training, and ends.

    It says nothing, for rank 0 does. It heeds no signal, for rank 0 decides when the training
    stops. It ends when that process does, however that ends.

    Args:
        train: Takes part, from the first broadcast to the last step.
        arguments: Of the command line, as `training_ranks` gives them; none under torchrun.
    """
    _keep_quiet()
    if is_torchrun_helper():
        help_torchrun(train)
        return
    threading.Thread(target=_end_with_parent, daemon=True).start()
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("accelerator")
    for name in ("rank", "count", "threads"):
        parser.add_argument(name, type=int)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    store = dist.FileStore(given.store, given.count)
    store.set(_ready(given.rank), "")
    ranks = Ranks(given.rank, given.count, given.rank, given.count)
    with process_group(store, given.accelerator, ranks):
        train(ranks)


class _Helpers:
    # The helpers of one training on this machine.
    def __init__(self, settings: DeviceSettings, module: str) -> None:
        self._count, self._module = settings.count, module
        self._threads = rank_threads(settings)
        self._accelerator = resolve_accelerator(settings)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @contextmanager
    def running(self) -> Iterator[Ranks]:
        threads = torch.get_num_threads()
        ranks = Ranks(0, self._count, 0, self._count)
        with tempfile.TemporaryDirectory(prefix="bdgf-ranks-") as folder:
            place = Path(folder)
            try:
                for rank in range(1, self._count):
                    self._processes[rank] = self._start(place, rank)
                with lost_ranks_told(lambda: self._failed(place)):
                    store = dist.FileStore(str(place / "store"), self._count)
                    self._wait_until_ready(store)
                    torch.set_num_threads(self._threads)
                    with process_group(store, self._accelerator, ranks), self._watched():
                        yield ranks
            finally:
                torch.set_num_threads(threads)
                self._end()

    def _start(self, folder: Path, rank: int) -> subprocess.Popen[bytes]:
        told = (folder / "store", self._accelerator, rank, self._count, self._threads)
        with _said(folder, rank).open("w") as said:
            return subprocess.Popen(
                [sys.executable, "-m", self._module, *map(str, told)],
                stdin=subprocess.PIPE,  # closed by the system when this process ends, however
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for rank 0
            )

    def _wait_until_ready(self, store: dist.Store) -> None:
        awaited = [_ready(rank) for rank in self._processes]
        while not store.check(awaited):
            if any(process.poll() is not None for process in self._processes.values()):
                raise dist.DistError("a helper ended before the training began")
            time.sleep(_POLL_SECONDS)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        # Gloo notices at once that a process is gone; a kernel of NCCL would wait for it.
        if self._accelerator != "cuda":
            yield
            return
        done = threading.Event()

        def watch() -> None:
            while not done.wait(_POLL_SECONDS):
                if any(process.poll() for process in self._processes.values()):
                    abort_group()
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def _failed(self, folder: Path) -> str | None:
        until = time.monotonic() + _LAST_SECONDS
        while time.monotonic() < until:
            for rank, process in self._processes.items():
                if process.poll():
                    return f"rank {rank} {_reason(process.returncode, _said(folder, rank))}"
            time.sleep(_POLL_SECONDS)
        return None

    def _end(self) -> None:
        for process in self._processes.values():
            process.kill()
            with process:  # waits for it, and closes its pipe
                pass


def _said(folder: Path, rank: int) -> Path:
    return folder / f"{rank}.txt"


def _reason(code: int, said: Path) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    printed = said.read_text(errors="replace")
    lines = [line.removeprefix(f"[rank{said.stem}]: ") for line in printed.splitlines()]
    log.debug("what a helper said:\n%s", printed)
    told = [line for line in lines if line.strip()]
    return f"failed: {told[-1] if told else f'exit code {code}'}"


def _ready(rank: int) -> str:
    return f"ready/{rank}"


def _keep_quiet() -> None:
    import rich

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    logging.disable(logging.WARNING)
    rich.reconfigure(quiet=True)


def _end_with_parent() -> None:
    # Not by `sys.stdin`, whose lock Python would miss when the helper ends before.
    while os.read(0, 1):
        pass
    os._exit(1)
