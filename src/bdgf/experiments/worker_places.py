"""Where dask workers are, and whether their runs are those of this machine."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from bdgf.core.errors import SettingsError
from bdgf.core.software_versions import software_versions
from bdgf.core.storage import writing

_PYTHON_PARTS = 2  # 3.11 of 3.11.7


@dataclass(frozen=True)
class WorkerPlace:
    """What a worker tells about where it is.

    Attributes:
        host: The machine's name.
        cores: Cores that it may use.
        sees_folder: Whether the bench's folder is there.
        versions: Versions of what decides the bits of a result.
    """

    host: str
    cores: int
    sees_folder: bool
    versions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls, mark: Path) -> WorkerPlace:
        """The place of this process.

        Args:
            mark: A file of the bench's folder.
        """
        from dask.system import CPU_COUNT  # knows containers and the shares of batch systems

        return cls(socket.gethostname(), CPU_COUNT, mark.exists(), comparable_versions())


def ask_places(client: Any, folder: Path) -> dict[str, WorkerPlace]:
    """Asks all workers of a client where they are, and checks that they fit.

    Args:
        client: A `distributed.Client`.
        folder: The bench's folder, absolute; it is there.

    Returns:
        The places by the workers' address.

    Raises:
        SettingsError: A worker cannot load bdgf, or has other versions, or does not see the folder.
    """
    mark = folder / f".seen-{uuid4().hex}"
    with writing(mark):
        mark.touch()
    try:
        places = client.run(WorkerPlace.here, mark, on_error="return")
    finally:
        mark.unlink(missing_ok=True)
    for address, place in places.items():
        if isinstance(place, BaseException):
            raise SettingsError(cannot_load(f"the worker {address}", place)) from place
    check_places(places, folder)
    return dict(places)


def cannot_load(worker: str, error: BaseException) -> str:
    """The line about a worker that has no bdgf, or another release."""
    version = comparable_versions()["bdgf"]
    return f"{worker} cannot load bdgf ({error}); install bdgf {version} there"


def comparable_versions() -> dict[str, str]:
    """The versions that the bench and its workers have to agree in."""
    found = software_versions()
    return {**found, "python": ".".join(found["python"].split(".")[:_PYTHON_PARTS])}


def check_places(places: Mapping[str, WorkerPlace], folder: Path) -> None:
    """Refuses workers whose runs would not be those of this machine.

    Args:
        places: Where the workers are, by their address.
        folder: The bench's folder.

    Raises:
        SettingsError: Naming the first such worker and what is wrong with it.
    """
    here = comparable_versions()
    for address, place in places.items():
        if (other := other_version(place.versions, here)) is not None:
            raise SettingsError(f"the worker {address} on {place.host} {other}")
        if not place.sees_folder:
            raise SettingsError(
                f"the worker {address} on {place.host} does not see {folder}; all machines need "
                "the project's folders under the same paths"
            )


def fewest_threads(places: Mapping[str, WorkerPlace], runs: Mapping[str, int]) -> int:
    """Threads of each run so that no machine has more than cores: the same number on all.

    Args:
        places: Where the workers are, by their address.
        runs: How many runs each worker takes at the same time.
    """
    cores: dict[str, int] = {}
    at_a_time: dict[str, int] = defaultdict(int)
    for address, place in places.items():
        cores[place.host] = place.cores
        at_a_time[place.host] += runs.get(address, 0)
    shares = [cores[host] // taken for host, taken in at_a_time.items() if taken]
    return max(1, min(shares, default=1))


def other_version(there: Mapping[str, str], here: Mapping[str, str]) -> str | None:
    """What is wrong with versions elsewhere, behind the name of who has them; None if nothing."""
    for name, version in here.items():
        if there.get(name) != version:
            return (
                f"has {name} {there.get(name)}, this machine has {version}; install the same "
                "versions on both (constraints.txt)"
            )
    return None
