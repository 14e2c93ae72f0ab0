"""The connection between the processes of a training, and what becomes of it when one is lost."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch
import torch.distributed as dist

from bdgf.core.errors import RankError
from bdgf.training.ranks import Ranks

_INTERFACE = "GLOO_SOCKET_IFNAME"
"""Where gloo looks for the network interface to use."""
_LOOPBACK = ("lo", "lo0")
_AGAIN = "type the same command again: it resumes from the last checkpoint"


@contextmanager
def process_group(store: dist.Store, accelerator: str, ranks: Ranks) -> Iterator[None]:
    """Connects the processes while the block runs; all of them enter it.

    Args:
        store: Where they find each other.
        accelerator: `cpu` or `cuda`. Tensors on the CPU go through gloo, those on GPUs through
            NCCL.
        ranks: This process.
    """
    cuda = accelerator == "cuda"
    before, loopback = os.environ.get(_INTERFACE), _loopback()
    if before is None and loopback and ranks.local_count == ranks.count:
        os.environ[_INTERFACE] = loopback  # nothing of it leaves this machine
    try:
        if cuda:
            torch.cuda.set_device(ranks.local_rank)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if cuda else "gloo",
            store=store,
            rank=ranks.rank,
            world_size=ranks.count,
        )
        yield
    except BaseException:
        if cuda:
            abort_group()
        raise
    finally:
        if before is None:
            os.environ.pop(_INTERFACE, None)
        if dist.is_initialized():
            dist.destroy_process_group()


def abort_group() -> None:
    """Ends all exchange at once: a kernel may wait for a process that is gone."""
    if (group := dist.group.WORLD) is not None:
        group.abort()


@contextmanager
def lost_ranks_told(failed: Callable[[], str | None] = lambda: None) -> Iterator[None]:
    """Tells in one line why the connection between the processes broke.

    Args:
        failed: Says which process failed and why, if that is known.

    Raises:
        RankError: It broke.
    """
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error).lower():
            raise
        said = failed() or "a process of the training was lost"
        raise RankError(f"training on several devices: {said}; {_AGAIN}") from error


def _loopback() -> str | None:
    with suppress(OSError):
        return next((name for _, name in socket.if_nameindex() if name in _LOOPBACK), None)
    return None
