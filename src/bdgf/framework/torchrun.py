"""`kedro run` under torchrun: one process runs the pipeline, the others help where it pretrains."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_STARTED_BY_TORCHRUN = "TORCHELASTIC_RUN_ID"


def is_helper() -> bool:
    """Whether torchrun started this process beside the one that runs the pipeline."""
    if _STARTED_BY_TORCHRUN not in os.environ:  # known without importing PyTorch
        return False
    from bdgf.training.torchrun import is_torchrun_helper

    return is_torchrun_helper()


def help_pipeline() -> None:
    """Takes part in the pretrainings that the pipeline comes to, until it ends."""
    from bdgf.diffusion.pretraining.rank_process import take_part
    from bdgf.training.rank_processes import run_helper

    run_helper(take_part)


@contextmanager
def helpers_released() -> Iterator[None]:
    """Lets the helpers end when the block does, whether or not it came to a training."""
    try:
        yield
    finally:
        if _STARTED_BY_TORCHRUN in os.environ:
            from bdgf.training.torchrun import release_torchrun_helpers

            release_torchrun_helpers()
