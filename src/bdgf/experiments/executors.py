"""Where the runs of a bench or a search are processed: here, or by dask.distributed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from bdgf.core.errors import SettingsError
from bdgf.experiments.process import FinishedRun, RunProcess
from bdgf.experiments.run_lock import Stopping

Kind = Literal["local", "dask"]


@dataclass(frozen=True)
class ExecutorOptions:
    """The user's request.

    Attributes:
        executor: Who starts the runs.
        jobs: Runs at the same time; None for one here, or for as many as the workers take.
        threads: Threads of each run; None for the share of a run in the cores of its machine.
        scheduler: Address of a dask scheduler.
        workers: Number of dask workers to start on this machine.
    """

    executor: Kind = "local"
    jobs: int | None = None
    threads: int | None = None
    scheduler: str | None = None
    workers: int | None = None

    def check(self) -> None:
        """Refuses options that do not fit together.

        Raises:
            SettingsError: Naming them.
        """
        given = [
            option
            for option, value in (("--scheduler", self.scheduler), ("--workers", self.workers))
            if value is not None
        ]
        if self.executor == "local" and given:
            raise SettingsError(f"{given[0]} needs --executor dask; add it")
        if self.executor == "dask" and len(given) != 1:
            raise SettingsError(
                "--executor dask needs either --scheduler tcp://HOST:8786, or --workers N to start "
                "workers on this machine"
            )


class RunExecutor(Protocol):
    """Processes runs, several at the same time.

    Attributes:
        threads: Threads that each run may compute on; 0 leaves that to the libraries.
        project: The project's folder, where runs are started elsewhere; None where they are
            started by this process.
        hosts: Names of the machines that the runs are on.
    """

    threads: int
    project: Path | None
    hosts: frozenset[str]

    def slots(self) -> int:
        """How many runs are processed at the same time, at present."""
        ...

    def finish(self, process: RunProcess, stopping: Stopping) -> FinishedRun:
        """Runs a process to its end; called from several threads. Raises as `RunProcess.finish`."""
        ...


class LocalExecutor:
    """Starts the runs' processes itself."""

    @classmethod
    def of(cls, options: ExecutorOptions) -> LocalExecutor:
        """As `options` ask for, as far as they concern this machine."""
        return cls(options.jobs or 1, options.threads)

    def __init__(self, jobs: int = 1, threads: int | None = None) -> None:
        """Takes the number of runs at a time, and of threads of each where that is given."""
        self._jobs = jobs
        self.threads = shared_threads(jobs) if threads is None else threads
        self.project: Path | None = None
        self.hosts: frozenset[str] = frozenset()

    def slots(self) -> int:
        """How many runs are processed at the same time."""
        return self._jobs

    def finish(self, process: RunProcess, stopping: Stopping) -> FinishedRun:
        """Runs a process to its end."""
        return process.whole(stopping)


def shared_threads(jobs: int) -> int:
    """Threads of each of several runs on this machine; 0, any number, for a single one."""
    return max(1, (os.cpu_count() or 1) // jobs) if jobs > 1 else 0
