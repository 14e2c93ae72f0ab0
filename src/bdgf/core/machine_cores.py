"""How many cores this process may use: the machine's, or fewer where it is told so."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from bdgf.core.own_cgroups import CGROUPS, own_cgroups

_VERSION_2 = "cpu.max"  # "<quota> <period>" in microseconds, or "max <period>"
_VERSION_1 = ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")  # -1 is no limit


def machine_cores(cgroups: Path = CGROUPS) -> int:
    """Cores of the machine, of this process's affinity or of its container's processor time.

    A container is given processor time, not cores: with more threads than that, all of them stand
    still for the rest of a period together.

    Args:
        cgroups: Where Linux tells a container's limits.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:  # macOS
        cores = os.cpu_count() or 1
    return max(1, min([cores, *map(math.ceil, _quotas(cgroups))]))


def _quotas(cgroups: Path) -> Iterator[float]:
    for folder in own_cgroups(cgroups):
        older = [_text(folder / name) for name in _VERSION_1]
        for told in (_text(folder / _VERSION_2).split(), older):
            if len(told) == 2 and all(word.isdigit() and int(word) for word in told):
                yield int(told[0]) / int(told[1])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
