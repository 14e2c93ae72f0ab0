"""Opens what processes the runs of a bench, with all that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bdgf.experiments.dask_executor import open_dask_executor
from bdgf.experiments.executors import ExecutorOptions, LocalExecutor, RunExecutor


@contextmanager
def open_executor(
    options: ExecutorOptions, folder: Path, say: Callable[[str], None]
) -> Iterator[RunExecutor]:
    """Opens what `options` ask for; closes it with all that it started.

    Args:
        options: The request, checked.
        folder: The bench's folder; all workers have to see it.
        say: Takes what the user reads, a line at a time.

    Raises:
        SettingsError: No scheduler or worker answers, or a worker does not fit.
    """
    if options.executor == "local":
        yield LocalExecutor(options.jobs or 1, options.threads)
        return
    with open_dask_executor(options, folder, say) as executor:
        yield executor
