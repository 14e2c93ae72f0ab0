"""Which diffusion steps training draws."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bdgf.diffusion.pretraining.timesteps import (
    TimestepSettings,
    stratified_timesteps,
    timestep_shares,
)


@pytest.mark.parametrize("batch", [1, 7, 16])
def test_timesteps_are_spread_over_all_steps(batch: int) -> None:
    generator = torch.Generator().manual_seed(0)
    uniform = TimestepSettings()
    drawn = torch.stack([stratified_timesteps(batch, 1000, generator, uniform) for _ in range(400)])
    assert drawn.dtype == torch.int64
    assert drawn.min() >= 0
    assert drawn.max() < 1000
    for i, part in enumerate(drawn.T):
        assert part.min() >= 1000 * i // batch
        assert part.max() <= 1000 * (i + 1) / batch
    assert drawn.float().mean() == pytest.approx(499.5, abs=30)


@given(
    st.floats(0.01, 1), st.integers(0, 90), st.integers(1, 10), st.integers(1, 33), st.integers()
)
def test_focused_steps_are_drawn_as_often_as_stated(
    focus: float, first: int, width: int, batch: int, seed: int
) -> None:
    settings = TimestepSettings(focus=focus, focus_range=(first, first + width))
    shares = timestep_shares(100, settings)
    assert shares.sum() == pytest.approx(1, abs=1e-5)
    generator = torch.Generator().manual_seed(seed % 2**63)
    drawn = stratified_timesteps(batch, 100, generator, settings)
    assert drawn.shape == (batch,)
    assert drawn.dtype == torch.int64
    assert shares[drawn].min() > 0
    # Each part of equal share gives one step: of any range of steps there are as many as its
    # share says, but for the part that its bounds cut.
    inside = ((drawn >= first) & (drawn < first + width)).sum()
    assert abs(inside - batch * shares[first : first + width].sum()) <= 2


def test_all_focus_leaves_no_other_step() -> None:
    generator = torch.Generator().manual_seed(0)
    settings = TimestepSettings(focus=1, focus_range=(40, 43))
    drawn = stratified_timesteps(300, 1000, generator, settings)
    assert torch.bincount(drawn)[40:].tolist() == [100, 100, 100]


def test_no_focus_draws_what_was_always_drawn() -> None:
    u = torch.rand(16, generator=torch.Generator().manual_seed(3))
    drawn = stratified_timesteps(16, 1000, torch.Generator().manual_seed(3), TimestepSettings())
    assert torch.equal(drawn, ((torch.arange(16) + u) / 16 * 1000).long())


@pytest.mark.parametrize("wrong", [(5, 5), (-1, 5), (9, 2)])
def test_a_range_that_is_none_is_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="two rising steps"):
        TimestepSettings(focus_range=wrong)
