"""How much memory this process may use: the machine's, or its container's if that is less."""

from __future__ import annotations

import os
from pathlib import Path

from bdgf.core.own_cgroups import CGROUPS, own_cgroups

GIB = 2**30

_LIMITS = ("memory.max", "memory.high", "memory/memory.limit_in_bytes")  # version 2, version 1


def machine_memory(cgroups: Path = CGROUPS) -> int:
    """Bytes of memory of the machine, or of the container that this process runs in.

    Args:
        cgroups: Where Linux tells a container's limits.
    """
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([total, *_container_limits(cgroups)])


def _container_limits(cgroups: Path) -> list[int]:
    found = []
    for folder in own_cgroups(cgroups):
        for name in _LIMITS:
            try:
                text = (folder / name).read_text(encoding="ascii").strip()
            except (OSError, ValueError):
                continue
            if text.isdigit() and int(text):  # "max" is no limit
                found.append(int(text))
    return found
