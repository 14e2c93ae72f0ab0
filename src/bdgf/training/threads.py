"""PyTorch's number of threads, where a container has less processor time than its machine."""

from __future__ import annotations

import logging
import os
from functools import cache

import torch

from bdgf.core.machine_cores import machine_cores

log = logging.getLogger(__name__)


@cache
def limit_threads() -> None:
    """Lets PyTorch have as many threads as the process may use cores, once.

    PyTorch itself looks at the process's affinity, not at a container's processor time. A number
    in `OMP_NUM_THREADS` stays. How busy the machine is plays no part: another number of threads
    gives other last bits.
    """
    cores, threads = machine_cores(), torch.get_num_threads()
    if "OMP_NUM_THREADS" in os.environ or threads <= cores:
        return
    log.info("%d threads, as many as the container's processor time allows, not %d", cores, threads)
    torch.set_num_threads(cores)
