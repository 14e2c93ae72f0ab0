"""Dropout: PyTorch's to the bit, from a stream of its own where it is told so."""

import torch
from torch import nn

from bdgf.nn.dropout import Dropout, dropout_from

X = torch.randn(7, 300)


def drawn(seed: int) -> torch.Tensor:
    with dropout_from(torch.Generator().manual_seed(seed)):
        return Dropout(0.3)(X)


def test_it_is_pytorchs_to_the_bit():
    for rate in (0.1, 0.5):
        torch.manual_seed(3)
        own = Dropout(rate)(X)
        torch.manual_seed(3)
        assert torch.equal(own, nn.Dropout(rate)(X))


def test_nothing_is_dropped_in_evaluation_or_at_rate_0():
    assert Dropout(0.3).eval()(X) is X
    assert Dropout(0.0)(X) is X


def test_it_draws_from_the_stream_that_it_is_given():
    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    before = torch.get_rng_state()
    drawn(1)
    assert torch.equal(before, torch.get_rng_state())  # the global one is left alone
    torch.manual_seed(0)
    globally = Dropout(0.3)(X)
    torch.manual_seed(0)
    drawn(1)
    assert torch.equal(globally, Dropout(0.3)(X))  # and is taken again afterwards
