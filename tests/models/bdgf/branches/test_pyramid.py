"""The stages that all branches share."""

import torch

from tests.models.bdgf.small_branches import CLASSES, make_branch, make_input


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
