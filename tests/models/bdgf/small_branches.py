"""Branches of a few channels and a batch for them."""

import torch

from bdgf.models.bdgf.branches import BranchSettings, Pyramid, PyramidSettings, block_maker
from bdgf.models.bdgf.guidance import GuideSettings

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
