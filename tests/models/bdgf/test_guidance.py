"""Guides: every registered one, and what makes each what it is."""

import pytest
import torch

from bdgf.core.errors import SettingsError
from bdgf.models.bdgf.guidance import GUIDES, GuideGeometry, GuideSettings, make_guide
from bdgf.nn.resampling import (
    Resample,
    alignment_weights,
    centre_weights,
    pooling_weights,
    stage_size,
)

SETTINGS = GuideSettings(width=8, groups=4, heads=2)


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


def test_unknown_guides_and_unequal_groups_are_refused():
    with pytest.raises(SettingsError, match="unknown guide 'film'; the guides are none, feature"):
        make_guide("film", geometry(0), SETTINGS)
    with pytest.raises(SettingsError, match="width 16 in 5 groups"):
        make_guide("group_channel_attention", geometry(0), GuideSettings(width=10, groups=5))
    with pytest.raises(SettingsError, match="width 16 over 3 heads"):
        make_guide("cross_attention", geometry(0), GuideSettings(width=8, heads=3))


@pytest.mark.parametrize(("source", "target"), [(11, 6), (6, 3), (7, 7), (5, 1), (4, 3)])
def test_pooling_keeps_constants_means_and_symmetry(source, target):
    weights = pooling_weights(source, target)
    assert torch.allclose(weights.sum(1), torch.ones(target))
    assert torch.allclose(weights, weights.flip(0, 1), atol=1e-6)
    x = torch.randn(source)
    assert torch.allclose((weights @ x).mean(), x.mean(), atol=1e-6)  # no cell counts more


def test_alignment_reads_a_linear_map_at_the_places_of_the_cells():
    # A level-1 features of 7 cells whose value is the distance in pixels from its centre.
    features = (torch.arange(7.0) - 3) * 2
    cells = (torch.arange(6.0) + 0.5) * 11 / 6 - 5.5
    assert torch.allclose(alignment_weights(11, 6, 7, 1) @ features, cells, atol=1e-5)


def test_resampling_works_along_both_axes():
    grid = torch.randn(2, 11, 11, 4)
    weights = pooling_weights(11, stage_size(11, 1))
    wanted = torch.einsum("ir,js,brsc->bijc", weights, weights, grid)
    assert torch.allclose(Resample(weights)(grid), wanted, atol=1e-5)


@pytest.mark.parametrize(("size", "middle"), [(3, [4]), (2, [0, 1, 2, 3]), (6, [14, 15, 20, 21])])
def test_the_centre_is_the_middle_cell_or_the_middle_four(size, middle):
    weights = centre_weights(size)
    assert weights.nonzero().flatten().tolist() == middle
    assert weights.sum() == 1
