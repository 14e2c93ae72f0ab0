"""Branches: every registered one with every guide, and their blocks."""

import pytest
import torch

from bdgf.core.errors import SettingsError
from bdgf.models.bdgf.branches import (
    BRANCHES,
    BranchSettings,
    Pyramid,
    PyramidSettings,
    block_maker,
)
from bdgf.models.bdgf.branches.mamba import scan_positions
from bdgf.models.bdgf.guidance import GUIDES, GuideSettings

WIDTH, GUIDE_WIDTH, CLASSES = 16, 8, 5


def make_branch(name: str, guide: str, levels: int = 3, patch: int = 11, **sizes) -> Pyramid:
    torch.manual_seed(0)
    settings = PyramidSettings(width=WIDTH, embedding=12, **sizes)
    return Pyramid(
        settings,
        GuideSettings(width=GUIDE_WIDTH, groups=4, heads=2),
        guide,
        patch=patch,
        levels=levels,
        classes=CLASSES,
        make_block=block_maker(name, WIDTH, BranchSettings()),
    )


def make_input(batch: int = 4) -> tuple[torch.Tensor, list[torch.Tensor]]:
    torch.manual_seed(1)
    grid = torch.randn(batch, 11, 11, WIDTH, requires_grad=True)
    return grid, [torch.randn(batch, size, size, GUIDE_WIDTH) for size in (11, 7, 3)]


@pytest.mark.parametrize("guide", GUIDES)
@pytest.mark.parametrize("name", BRANCHES)
def test_every_branch_with_every_guide_runs_forward_and_backward(name, guide):
    branch = make_branch(name, guide)
    grid, guidance = make_input()
    logits, embedding = branch(grid, guidance)
    assert logits.shape == (4, CLASSES)
    assert embedding.shape == (4, 12)
    logits.square().sum().backward()
    assert grid.grad is not None
    assert grid.grad.isfinite().all()
    missing = [n for n, p in branch.named_parameters() if p.grad is None]
    assert missing == []


@pytest.mark.parametrize("name", BRANCHES)
def test_every_pixel_of_the_patch_matters_and_samples_do_not_mix(name):
    branch = make_branch(name, "none", levels=0).eval()
    grid, _ = make_input()
    logits, _ = branch(grid, [])
    logits[1].sum().backward()
    assert (grid.grad[1].abs().sum(-1) > 0).all()
    assert (grid.grad[[0, 2, 3]] == 0).all()


@pytest.mark.parametrize("name", BRANCHES)
@pytest.mark.parametrize("patch", [1, 3, 5])
def test_small_patches_work(name, patch):
    branch = make_branch(name, "none", levels=0, patch=patch)
    logits, _ = branch(torch.randn(2, patch, patch, WIDTH), [])
    assert logits.shape == (2, CLASSES)


def test_each_stage_is_guided_by_its_own_level():
    branch = make_branch("cnn", "feature_fusion").eval()
    grid, guidance = make_input()
    before, _ = branch(grid, guidance)
    for level in range(3):
        changed = [g + 1 if i == level else g for i, g in enumerate(guidance)]
        assert not torch.allclose(branch(grid, changed)[0], before)


def test_stages_beyond_the_levels_are_unguided():
    branch = make_branch("transformer", "cross_attention", levels=1)
    grid, guidance = make_input()
    logits, _ = branch(grid, guidance[:1])
    assert logits.shape == (4, CLASSES)


def test_depth_adds_blocks():
    shallow, deep = make_branch("cnn", "none"), make_branch("cnn", "none", depth=2)
    count = [sum(p.numel() for p in branch.parameters()) for branch in (shallow, deep)]
    assert count[1] > count[0]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 11])
def test_the_spiral_visits_every_cell_once_by_neighbours_and_ends_in_the_middle(size):
    order = scan_positions(size, "spiral")
    assert sorted(order.tolist()) == list(range(size * size))
    rows, cols = order // size, order % size
    assert ((rows.diff().abs() + cols.diff().abs()) == 1).all()
    middle = [(size - 1) // 2, size // 2]
    assert int(rows[-1]) in middle
    assert int(cols[-1]) in middle


def test_rows_are_scanned_in_reading_order():
    assert scan_positions(3, "rows").tolist() == list(range(9))


def test_an_unknown_branch_and_unequal_heads_are_refused():
    with pytest.raises(SettingsError, match="unknown branch 'rnn'; the branches are cnn, mamba"):
        block_maker("rnn", WIDTH, BranchSettings())
    maker = block_maker("transformer", 15, BranchSettings(transformer={"heads": 2}))
    with pytest.raises(SettingsError, match="width 15 over 2 heads"):
        maker(3)
