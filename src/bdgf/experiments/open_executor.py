"""Opens what processes the runs of a bench or a search, with all that it needs."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bdgf.experiments.dask_executor import open_dask_executor
from bdgf.experiments.executors import ExecutorOptions, LocalExecutor, RunExecutor

log = logging.getLogger(__name__)


@contextmanager
def open_executor(
    options: ExecutorOptions, folder: Path, say: Callable[[str], None]
) -> Iterator[RunExecutor]:
    """Opens what `options` ask for; closes it with all that it started.

    Args:
        options: The request, checked.
        folder: The folder of the bench or the search; all workers have to see it.
        say: Takes what the user reads, a line at a time.

    Raises:
        SettingsError: No scheduler or worker answers, or a worker does not fit.
    """
    if options.executor == "local":
        yield LocalExecutor.of(options)
        return
    with open_dask_executor(options, folder, say) as executor:
        if executor.hosts - {socket.gethostname()}:
            _warn_of_file_database()
        yield executor


def _warn_of_file_database() -> None:
    from mlflow import get_tracking_uri

    if get_tracking_uri().startswith("sqlite:"):
        log.warning(
            "MLflow writes to an SQLite file, which several machines may damage; start `mlflow "
            "server` and set its address in conf/local/mlflow.yml (docs/how_to/cluster.md)"
        )
