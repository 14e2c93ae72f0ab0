"""What is hidden, and what is not there, leave something where there is something."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from bdgf.raster.visibility import shown_where_there


@given(seed=st.integers(0, 10**6))
def test_nothing_missing_is_shown_and_never_all_that_is_there_is_hidden(seed):
    generator = torch.Generator().manual_seed(seed)
    there = (torch.rand(4, 3, 5, 5, generator=generator) < 0.5).float()
    shown = (torch.rand(4, 3, 1, 1, generator=generator) < 0.5).float()
    kept = shown_where_there(shown, there, dim=1)
    assert kept.shape == there.shape
    assert (kept <= there).all()
    assert torch.equal(kept.any(1), there.any(1))
    something = (shown * there).any(1, keepdim=True)
    assert torch.equal(kept, torch.where(something, shown * there, there))


def test_where_all_are_there_it_is_what_is_shown():
    shown = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert torch.equal(shown_where_there(shown, torch.ones(2, 2), dim=-1), shown)
