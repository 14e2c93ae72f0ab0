"""Marks MLflow runs with their process, so that runs of dead processes are found."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

import psutil

log = logging.getLogger(__name__)

HOST, PID, STARTED = "process.host", "process.id", "process.started"
"""Tags of a run: the computer, the process and when that began, in seconds since 1970."""

FOUND = "process.found_gone"
"""Tag of a run that another process ended: when. It ended some time before."""

_CLOCK_SECONDS = 60.0
"""Two processes of one id started further apart; a clock that is set moves a start by less."""


def process_tags() -> dict[str, str]:
    """The tags of the runs of this process."""
    process = psutil.Process()
    return {HOST: host(), PID: str(process.pid), STARTED: f"{process.create_time():.2f}"}


def host() -> str:
    """The computer, and where it has such the container: process ids mean nothing elsewhere."""
    name = socket.gethostname()
    with suppress(OSError):
        name += " " + os.readlink("/proc/self/ns/pid")
    return name


def is_gone(tags: Mapping[str, str]) -> bool:
    """Whether the process of these tags on this host no longer exists."""
    try:
        process = psutil.Process(int(tags[PID]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        return abs(process.create_time() - float(tags[STARTED])) > _CLOCK_SECONDS
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, KeyError, ValueError):  # not known: as if it were there
        return False


def end_runs_of_gone_processes(experiment: str) -> int:
    """Sets runs to KILLED that are RUNNING in MLflow although their process no longer exists.

    Only those of this host are looked at: of another one nothing is known.

    Args:
        experiment: Id of the experiment.

    Returns:
        How many there were; a line in the log names them.
    """
    from mlflow import MlflowClient

    client = MlflowClient()
    wanted = f"attributes.status = 'RUNNING' and tags.`{HOST}` = '{host()}'"
    gone = [
        run.info
        for run in client.search_runs([experiment], filter_string=wanted)
        if is_gone(run.data.tags)
    ]
    for run in gone:
        client.set_tag(run.run_id, FOUND, datetime.now(UTC).isoformat(timespec="seconds"))
        client.set_terminated(run.run_id, "KILLED")
    if gone:
        log.info(
            "ended as KILLED in MLflow, for their processes are gone: %s",
            ", ".join(f"{run.run_name} ({run.run_id[:8]})" for run in gone),
        )
    return len(gone)
