"""Where a map's blocks are computed: in this process, or by workers of dask.distributed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import Field, field_validator, model_validator

from bdgf.core.dask_client import local_workers, remote_workers
from bdgf.core.settings import Settings

_LOCAL = "local:"
_SETTING = "executor.dask"
_RETRIES = 2
"""A block whose worker fails is made again so often; one whose worker dies is, in any case."""


class ExecutorSettings(Settings):
    """Where blocks are computed. The default is the run's own process."""

    dask: str | None = Field(
        None,
        description="`local:<n>` starts n worker processes on this machine. Otherwise the "
        "address of a dask scheduler whose workers see the same folders. null: "
        "the run's own process. Needs the extra `cluster`",
    )

    @model_validator(mode="before")
    @classmethod
    def _local(cls, given: Any) -> Any:
        return {} if given == "local" else given

    @field_validator("dask")
    @classmethod
    def _counts_workers(cls, dask: str | None) -> str | None:
        if dask is not None and dask.startswith(_LOCAL):
            count = dask.removeprefix(_LOCAL)
            if not count.isdecimal() or int(count) < 1:
                raise ValueError(f"'{dask}' starts no workers; give their number: local:2")
        return dask


@dataclass(frozen=True)
class Workers:
    """What makes blocks.

    Attributes:
        executor: Takes them; None where this process makes them.
        count: How many are made at a time.
        threads: Threads of each worker, where it runs on this machine.
    """

    executor: Executor | None = None
    count: int = 1
    threads: int | None = None


@contextmanager
def open_workers(settings: ExecutorSettings) -> Iterator[Workers]:
    """Connects to the workers, and starts them if the settings say so.

    Raises:
        SettingsError: The extra is missing, nobody answers at the address, or there is no worker.
    """
    if settings.dask is None:
        yield Workers()
    elif settings.dask.startswith(_LOCAL):
        count = int(settings.dask.removeprefix(_LOCAL))
        threads = max((os.cpu_count() or 1) // count, 1)
        with local_workers(count, _SETTING) as client:
            yield Workers(_executor(client), count, threads)
    else:
        with remote_workers(settings.dask, _SETTING) as client:
            yield Workers(_executor(client), sum(client.nthreads().values()))


def _executor(client: Any) -> Executor:
    executor: Executor = client.get_executor(retries=_RETRIES, pure=False)
    return executor
