"""Every registered branch with every guide."""

import pytest
import torch

from bdgf.core.errors import SettingsError
from bdgf.models.bdgf.branches import BRANCHES, BranchSettings, block_maker
from bdgf.models.bdgf.guidance import GUIDES
from tests.models.bdgf.small_branches import CLASSES, WIDTH, make_branch, make_input


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


def test_an_unknown_branch_is_refused():
    with pytest.raises(SettingsError, match="unknown branch 'rnn'; the branches are cnn, mamba"):
        block_maker("rnn", WIDTH, BranchSettings())
