"""The stages that all branches share."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.models.bdgf.branches import (
    BRANCHES,
    BranchSettings,
    Pyramid,
    PyramidSettings,
    block_maker,
)
from bdgf.models.bdgf.branches.cnn import CnnSettings
from bdgf.models.bdgf.branches.transformer import TransformerSettings
from bdgf.models.bdgf.guidance import GUIDES, GuideSettings
from bdgf.nn.fused import cells
from bdgf.raster.patches import level_patch
from tests.models.bdgf.small_branches import CLASSES, GUIDE_WIDTH, WIDTH, make_branch, make_input


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


@pytest.fixture(scope="module", autouse=True)
def _any_processor():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "_wide_registers", lambda: True)
        yield


def random_branch(
    name: str, guide: str, patch: int, levels: int, *, closed: bool = False, **sizes: int
) -> Pyramid:
    width, heads = sizes["width"], sizes["heads"]
    own = BranchSettings(
        cnn=CnnSettings(kernel=sizes["kernel"], expansion=sizes["expansion"]),
        transformer=TransformerSettings(heads=heads, expansion=sizes["expansion"]),
    )
    branch = Pyramid(
        PyramidSettings(width=width, stages=sizes["stages"], depth=sizes["depth"]),
        GuideSettings(width=16, groups=4, heads=heads, closed=closed),
        guide,
        patch=patch,
        levels=levels,
        classes=CLASSES,
        make_block=block_maker(name, width, own),
    )
    for parameter in branch.parameters():
        deviation = 1.5 / parameter.shape[-1] ** 0.5 if parameter.ndim > 1 else 0.3
        torch.nn.init.normal_(parameter, mean=float(parameter.ndim == 1), std=deviation)
    return branch.eval()


@pytest.mark.parametrize("guide", GUIDES)
@pytest.mark.parametrize("name", BRANCHES)
@settings(max_examples=10, deadline=None)
@given(
    patch=st.sampled_from([5, 9, 11, 13]),
    levels=st.integers(0, 3),
    stages=st.integers(1, 2),
    depth=st.integers(1, 2),
    heads=st.sampled_from([1, 2]),
    kernel=st.sampled_from([1, 3, 5]),
    expansion=st.integers(1, 3),
    closed=st.booleans(),
    seed=st.integers(0, 99),
)
def test_compiled_blocks_give_what_the_operators_give(name, guide, patch, levels, seed, **sizes):
    torch.manual_seed(seed)  # `random_branch` opens the gates
    branch = random_branch(name, guide, patch, levels, width=32, **sizes)
    assert branch.fusible
    grid = torch.randn(3, patch, patch, 32)
    sides = [level_patch(patch, level) for level in range(levels)]
    guidance = [torch.randn(3, side, side, 16) for side in sides]
    expected = branch(grid, guidance)  # with gradients: the operators
    with torch.no_grad():
        found = branch(grid, guidance)
    for one, other in zip(found, expected, strict=True):
        scale = float(other.detach().abs().max())
        assert torch.allclose(one, other, atol=1e-4 * scale, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "guide"),
    [
        ("cnn", "feature_fusion"),
        ("mamba", "group_channel_attention"),
        ("transformer", "cross_attention"),
    ],
)
def test_a_patch_does_not_depend_on_its_batch(name, guide):
    torch.manual_seed(0)
    sizes = {"width": 32, "stages": 1, "depth": 1, "heads": 1, "kernel": 3, "expansion": 2}
    branch = random_branch(name, guide, 9, 1, **sizes)
    grid, features = torch.randn(5, 9, 9, 32), torch.randn(5, 9, 9, 16)

    def mixed(samples: slice) -> torch.Tensor:
        batch = cells.channels_first(grid[samples])
        branch.guides[0].fused(batch, cells.channels_first(features[samples]))
        branch.blocks[0][0].fused(batch)
        return batch.data[:, :, :81]

    with torch.no_grad():
        assert torch.equal(mixed(slice(None))[2:3], mixed(slice(2, 3)))


def test_sizes_that_do_not_fit_keep_the_operators():
    narrow = make_branch("mamba", "group_channel_attention").eval()  # 16 channels
    assert not narrow.fusible
    assert make_branch("cnn", "feature_fusion").fusible
    grid, guidance = make_input()
    with torch.no_grad():
        found = narrow(grid, guidance)
    assert torch.allclose(found[0], narrow(grid, guidance)[0], atol=1e-6)


def test_a_block_of_ones_own_needs_no_compiled_form():
    class Same(torch.nn.Module):
        def forward(self, grid):
            return grid

    sizes = PyramidSettings(width=WIDTH)
    branch = Pyramid(
        *(sizes, GuideSettings(width=GUIDE_WIDTH), "feature_fusion"),
        patch=11,
        levels=3,
        classes=CLASSES,
        make_block=lambda size: Same(),
    ).eval()
    with torch.no_grad():
        assert branch(*make_input())[0].shape == (4, CLASSES)


def test_branches_in_training_keep_the_operators(monkeypatch):
    branch = make_branch("cnn", "feature_fusion").train()
    monkeypatch.setattr(Pyramid, "_fused", None)
    with torch.no_grad():
        assert branch(*make_input())[0].shape == (4, CLASSES)
