"""One of the processes of a pretraining on several devices, but for the first.

`python -m bdgf.diffusion.pretraining.rank_process`: the first process starts it, not the user.
"""

from __future__ import annotations

import sys

from bdgf.diffusion.pretraining.job import receive_job
from bdgf.diffusion.pretraining.pretrain import train_rank
from bdgf.training.metric_logger import NullLogger
from bdgf.training.rank_processes import run_helper
from bdgf.training.ranks import Ranks


def take_part(ranks: Ranks) -> None:
    """Takes part in the pretraining that the first process begins."""
    train_rank(receive_job(ranks), ranks, NullLogger(), plan=None)


if __name__ == "__main__":
    run_helper(take_part, sys.argv[1:])
