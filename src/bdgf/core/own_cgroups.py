"""Where Linux tells what limits this process's container has."""

from __future__ import annotations

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def own_cgroups(cgroups: Path = CGROUPS) -> list[Path]:
    """The root, and this process's own group with those above it, where they can be seen.

    Args:
        cgroups: Where Linux tells a container's limits.
    """
    folders = [cgroups]
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return folders
    for line in lines:
        group = Path(line.rpartition(":")[2].lstrip("/"))
        if line.startswith("0::") and ".." not in group.parts:
            folders += [cgroups / group, *(cgroups / above for above in group.parents)]
    return folders
