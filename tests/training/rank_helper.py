"""A helper of a training that does what rank 0 says: `python -m tests.training.rank_helper`."""

import sys

import numpy as np
import torch

from bdgf.training.rank_processes import run_helper

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def total(ranks):
    own = torch.tensor([10.0, 1.0 / 3.0], requires_grad=True)
    summed = ranks.total(own)
    summed.sum().backward()
    received = ranks.total(own.grad)  # so that rank 0 can look at it
    assert received.shape == (2,)


def first(ranks):
    given = ranks.from_first(torch.full((2,), float(ranks.rank)))
    ranks.total(given)


def array(ranks):
    for wanted in (ARRAY, ARRAY > 5, ARRAY[:, :0]):
        found = ranks.shared_array()
        same = found.dtype == wanted.dtype and np.array_equal(found, wanted)
        ranks.total(torch.tensor([float(same)]))


def state(ranks):
    found = ranks.shared_state(None)
    nothing = ranks.shared_state(None)
    as_sent = nothing is None and found["step"] == 3 and torch.equal(found["w"], torch.ones(2))
    ranks.total(torch.tensor([float(as_sent)]))


def fail(ranks):
    raise ValueError("this rank cannot")


ACTIONS = {action.__name__: action for action in (total, first, array, state, fail)}


def obey(ranks):
    while (what := ranks.shared_bytes().decode()) != "end":
        ACTIONS[what](ranks)


if __name__ == "__main__":
    run_helper(obey, sys.argv[1:])
