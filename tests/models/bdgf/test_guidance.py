"""Guides: every registered one, and what makes each what it is."""

import pytest
import torch
from pydantic import ValidationError

from bdgf.core.errors import SettingsError
from bdgf.models.bdgf.guidance import (
    GUIDES,
    GuideGeometry,
    GuideSettings,
    NoGuide,
    make_guide,
)

SETTINGS = GuideSettings(width=8, groups=4, heads=2)
CLOSED = SETTINGS.model_copy(update={"closed": True})


def geometry(level: int) -> GuideGeometry:
    return GuideGeometry(16, 11, (11, 6, 3)[level], (11, 7, 3)[level], level)


def tensors(level: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(level)
    where = geometry(level)
    grid = torch.randn(3, where.grid, where.grid, 16, requires_grad=True)
    features = torch.randn(3, where.level_patch, where.level_patch, 8, requires_grad=True)
    return grid, features


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", GUIDES)
def test_every_guide_runs_forward_and_backward(name, level):
    grid, features = tensors(level)
    guide = make_guide(name, geometry(level), SETTINGS)
    guided = guide(grid, features)
    assert guided.shape == grid.shape
    guided.square().sum().backward()
    assert grid.grad is not None
    assert (features.grad is None) == (name == "none")
    assert all(p.grad is not None and p.grad.isfinite().all() for p in guide.parameters())


@pytest.mark.parametrize("name", [name for name in GUIDES if name != "none"])
def test_guidance_changes_the_branch_and_samples_do_not_mix(name):
    grid, features = tensors(1)
    guide = make_guide(name, geometry(1), SETTINGS)
    other = features.detach().clone()
    other[1] += 1
    before, after = guide(grid, features), guide(grid, other)
    assert not torch.allclose(before[1], after[1])
    assert torch.allclose(before[[0, 2]], after[[0, 2]], atol=1e-6)


def test_no_guide_leaves_the_branch_alone():
    grid, features = tensors(0)
    assert make_guide("none", geometry(0), SETTINGS)(grid, features) is grid


def test_group_channel_attention_gates_channels_by_their_group():
    grid, features = tensors(1)
    guide = make_guide("group_channel_attention", geometry(1), SETTINGS)
    gates = guide(torch.ones_like(grid), features)
    assert torch.allclose(gates, gates[:, :1, :1].expand_as(gates))  # the same for all cells
    assert ((gates > 0) & (gates < 2)).all()
    other = features.detach().clone()
    other[..., 2:4] += 1  # the second of four groups of two feature channels
    changed = (guide(torch.ones_like(grid), other) != gates).any(0).any(0).any(0)
    assert changed.nonzero().flatten().tolist() == [4, 5, 6, 7]


def test_feature_fusion_is_positionwise_at_the_finest_level():
    grid, features = tensors(0)
    guide = make_guide("feature_fusion", geometry(0), SETTINGS)
    other = features.detach().clone()
    other[:, 4, 7] += 1
    changed = (guide(grid, other) != guide(grid, features)).any(-1)[0]
    assert changed.nonzero().tolist() == [[4, 7]]


def test_a_closed_gate_leaves_the_branch_alone_and_learns():
    for name in GUIDES.keys() - {"none"}:
        grid, features = tensors(1)
        guide = make_guide(name, geometry(1), CLOSED)
        guided = guide(grid, features)
        assert torch.equal(guided, grid)
        (guided * torch.randn_like(guided)).sum().backward()
        assert guide.gate.grad.abs().sum() > 0


def test_an_open_gate_is_the_guide_and_half_of_it_half():
    for name in GUIDES.keys() - {"none"}:
        grid, features = (t.detach() for t in tensors(1))
        guide = make_guide(name, geometry(1), CLOSED)
        whole = guide.guide(grid, features)
        with torch.no_grad():
            guide.gate.copy_(torch.linspace(0, 1, 16))
            expected = grid + torch.linspace(0, 1, 16) * (whole - grid)
            torch.testing.assert_close(guide(grid, features), expected)


def test_a_price_of_gates_that_are_not_there_is_refused():
    with pytest.raises(ValidationError, match="set closed: true, or leave it 0"):
        GuideSettings(gate_penalty=0.1)


def test_no_guide_needs_no_gate():
    assert isinstance(make_guide("none", geometry(0), CLOSED), NoGuide)


def test_unknown_guides_and_unequal_groups_are_refused():
    with pytest.raises(SettingsError, match="unknown guide 'film'; the guides are none, feature"):
        make_guide("film", geometry(0), SETTINGS)
    with pytest.raises(SettingsError, match="width 16 in 5 groups"):
        make_guide("group_channel_attention", geometry(0), GuideSettings(width=10, groups=5))
    with pytest.raises(SettingsError, match="width 16 over 3 heads"):
        make_guide("cross_attention", geometry(0), GuideSettings(width=8, heads=3))
