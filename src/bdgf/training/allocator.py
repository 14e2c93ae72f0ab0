"""glibc's allocator: memory that one step frees is kept for the next."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache

# Of malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_BLOCK = 2**25
"""The most that every version of glibc accepts: larger blocks are mapped and given back."""
_KEPT = 2**31 - 1
_USERS_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@cache
def keep_freed_memory() -> bool:
    """Makes glibc keep freed memory between steps.

    The tensors of a step are freed at its end and wanted again at once; given back in between, each
    of their pages is fetched and zeroed anew by the kernel. Done once a process; what the user set
    in the environment stands.

    Returns:
        Whether it was done: not on other systems, or where the user decides.
    """
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in _USERS_OWN):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # Either setting alone would switch the other's adaptation off.
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK) and mallopt(_M_TRIM_THRESHOLD, _KEPT))


def release_freed_memory() -> None:
    """Gives the system all freed memory that glibc keeps, of every thread.

    Between parts of a work that need other tensors, where what is kept would only add up. It costs
    the page faults of what is wanted again, so it is not for every step. Systems without glibc give
    nothing back.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
