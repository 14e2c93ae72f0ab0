"""Runs of a bench on workers of dask.distributed.

A worker starts each run as a process of its own, as the bench does on one machine: a Kedro session
inside a worker that is used again would mix up MLflow's runs. The process ends with its worker. A
run whose worker is lost is tried again by dask on another one.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bdgf.core.dask_client import local_workers, remote_workers
from bdgf.core.errors import SettingsError
from bdgf.experiments.executors import ExecutorOptions, shared_threads
from bdgf.experiments.process import FinishedRun, RunFailed, RunProcess, RunStopped
from bdgf.experiments.run_lock import Stopping, wait_until_free
from bdgf.experiments.watched_run import LAST_SECONDS
from bdgf.experiments.worker_places import (
    WorkerPlace,
    ask_places,
    cannot_load,
    comparable_versions,
    fewest_threads,
    other_version,
)

GPU = "GPU"
"""The resource of a worker with a graphics processor; a run takes one of them."""

_POLL_SECONDS = 0.5
_TASK_POLL_SECONDS = 0.2
_ASK_SECONDS = 5.0
"""From one question for the workers to the next: the answer names each of them."""
_KILL_SECONDS = 10.0
"""From the last second of a run that does not listen to the end of its processes."""


class DaskExecutor:
    """Processes runs on the workers of a client."""

    def __init__(self, client: Any, options: ExecutorOptions, places: Mapping[str, WorkerPlace]):
        """Stores what runs need.

        Args:
            client: The `distributed.Client`.
            options: The user's request.
            places: Where the workers are, by their address; checked.
        """
        from distributed import KilledWorker

        self._client, self._jobs, self._killed = client, options.jobs, KilledWorker
        workers = _workers(client)
        self._slots, self._asked = 1, -math.inf
        self._gpus = any(_gpus(worker) for worker in workers.values())
        resources = {GPU: 1} if self._gpus else None
        self._executor: Executor = client.get_executor(pure=False, resources=resources)
        self.threads = options.threads or (
            shared_threads(options.workers)
            if options.workers
            else fewest_threads(places, {name: self._runs(w) for name, w in workers.items()})
        )
        self.project: Path | None = Path.cwd()
        self.hosts = frozenset(place.host for place in places.values())

    def slots(self) -> int:
        """What the user said, or as many runs as the present workers take, at least one."""
        if self._jobs:
            return self._jobs
        if time.monotonic() - self._asked < _ASK_SECONDS:
            return self._slots
        with suppress(OSError):  # the scheduler is gone: the runs under way will say so
            self._slots = max(1, sum(map(self._runs, _workers(self._client).values())))
        self._asked = time.monotonic()
        return self._slots

    def finish(self, process: RunProcess, stopping: Stopping) -> FinishedRun:
        """Runs a process to its end on a worker.

        Raises:
            RunFailed: The run failed, or every worker that tried it was lost.
            RunStopped: `stopping` said so; no process of the run is left.
            SettingsError: The scheduler is gone, or a worker cannot load bdgf or has other
                versions.
        """
        future = self._executor.submit(finish_on_worker, process, comparable_versions())
        try:
            while not wait([future], timeout=_POLL_SECONDS).done:
                if stopping.wait(0):
                    raise RunStopped("stopped")
            return future.result()
        except CancelledError as error:
            raise SettingsError(
                "the dask scheduler is gone, and the runs with it; start it and its workers again, "
                "then type the same command: recorded runs are not repeated"
            ) from error
        except self._killed as error:
            raise RunFailed(
                f"each of its workers died ({error.last_worker.address} was the last; out of "
                f"memory?); see {process.log}"
            ) from error
        except ImportError as error:  # a worker that came after the others were checked
            raise SettingsError(cannot_load("a worker", error)) from error
        except BaseException:
            _cancel(future, process)
            raise

    def _runs(self, worker: Mapping[str, Any]) -> int:
        return _gpus(worker) if self._gpus else int(worker["nthreads"])


class UnwantedTask:
    """Tells a task on a worker that nobody waits for it any more.

    Dask cannot end a task that has begun. It only forgets it: when the bench cancels it, when the
    bench is gone, and when the worker closes.
    """

    def __init__(self) -> None:
        """Looks up the worker and the task of this thread."""
        from distributed import Status, get_worker

        self._worker = get_worker()
        self._key = self._worker.get_current_task()
        self._closing = (Status.closing, Status.closed, Status.failed)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits up to `timeout` seconds; whether the task is unwanted."""
        end = float("inf") if timeout is None else time.monotonic() + timeout
        while not self._unwanted():
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, _TASK_POLL_SECONDS))
        return True

    def worker_closes(self) -> bool:
        """Whether the reason is that the worker closes, so that another may take the task."""
        return self._worker.status in self._closing

    def _unwanted(self) -> bool:
        task = self._worker.state.tasks.get(self._key)
        return self.worker_closes() or task is None or task.state in ("cancelled", "resumed")


def finish_on_worker(process: RunProcess, versions: Mapping[str, str]) -> FinishedRun:
    """What a worker does: runs the process to its end.

    Args:
        process: The run.
        versions: Versions of the bench, from `comparable_versions`.

    Raises:
        RunFailed: The process failed.
        RunStopped: It was ended, because nobody waits for it any more.
        SettingsError: The worker has other versions: it came after the others were checked.
    """
    from distributed import Reschedule

    if (other := other_version(comparable_versions(), versions)) is not None:
        raise SettingsError(f"a worker on {socket.gethostname()} {other}")
    unwanted = UnwantedTask()
    try:
        return process.whole(unwanted)
    except RunStopped:
        if unwanted.worker_closes():
            raise Reschedule from None
        raise


@contextmanager
def open_dask_executor(
    options: ExecutorOptions, folder: Path, say: Callable[[str], None]
) -> Iterator[DaskExecutor]:
    """Starts workers, or connects to those of a scheduler, and checks that they fit.

    Args:
        options: The request: a scheduler's address or a number of workers.
        folder: The bench's folder; it is there.
        say: Takes what the user reads, a line at a time.

    Raises:
        SettingsError: The extra is missing, no scheduler or worker answers, or a worker has other
            versions or does not see the folder.
    """
    opened = (
        local_workers(options.workers, "--executor dask")
        if options.workers
        else remote_workers(str(options.scheduler), "--scheduler")
    )
    with opened as client:
        places = ask_places(client, folder.absolute())
        executor = DaskExecutor(client, options, places)
        machines = f"{len(executor.hosts)} machine(s)"
        say(f"{len(places)} dask worker(s) on {machines}, {executor.slots()} run(s) at a time")
        yield executor


def _workers(client: Any) -> dict[str, Any]:
    return dict(client.scheduler_info(n_workers=-1)["workers"])


def _gpus(worker: Mapping[str, Any]) -> int:
    return int(worker.get("resources", {}).get(GPU, 0))


def _cancel(future: Future[FinishedRun], process: RunProcess) -> None:
    future.cancel()
    with suppress(OSError):  # the shared folder is gone too
        wait_until_free(process.lock, LAST_SECONDS + _KILL_SECONDS)
