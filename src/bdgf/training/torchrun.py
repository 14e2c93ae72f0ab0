"""Processes that torchrun started on one machine or several: one runs the pipeline, others help.

The helpers wait for the trainings that the pipeline comes to. They load no data and write no file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch.distributed as dist

from bdgf.training.process_group import lost_ranks_told, process_group
from bdgf.training.ranks import Ranks

_PATIENCE = timedelta(days=30)
"""How long a helper waits for the pipeline to come to a training."""
_END = "end"

_called = 0
"""Trainings that the helpers have been called to."""


def torchrun_count() -> int:
    """How many processes torchrun started, this one included; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", 1)) if dist.is_torchelastic_launched() else 1


def is_torchrun_helper() -> bool:
    """Whether torchrun started this process beside the one that runs the pipeline."""
    return torchrun_count() > 1 and not _own().is_first


@contextmanager
def torchrun_ranks(accelerator: str) -> Iterator[Ranks]:
    """Calls the helpers to a training, of which this process is the first.

    Args:
        accelerator: `cpu` or `cuda`.

    Raises:
        RankError: A helper was lost.
    """
    global _called
    store, key = _store(), _key(_called)
    _called += 1
    store.set(key, accelerator)
    with lost_ranks_told(), process_group(dist.PrefixStore(key, store), accelerator, _own()):
        yield _own()


def help_torchrun(train: Callable[[Ranks], None]) -> None:
    """Takes part in each training that the pipeline comes to, until it ends.

    Args:
        train: Takes part in one, from the first broadcast to the last step.
    """
    store, number = _store(), 0
    while True:
        key = _key(number)
        store.wait([key], _PATIENCE)
        said = store.get(key).decode()
        if said == _END:
            return
        with process_group(dist.PrefixStore(key, store), said, _own()):
            train(_own())
        number += 1


def release_torchrun_helpers() -> None:
    """Lets the helpers end. Call it in the process that ran the pipeline, when that ended."""
    if torchrun_count() > 1 and _own().is_first:
        _store().set(_key(_called), _END)


def _store() -> dist.Store:
    store, _, _ = next(dist.rendezvous("env://"))
    return store


def _own() -> Ranks:
    # Of the variables that torchrun sets.
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    return Ranks(*(int(os.environ[name]) for name in names))


def _key(number: int) -> str:
    return f"bdgf/training/{number}"
