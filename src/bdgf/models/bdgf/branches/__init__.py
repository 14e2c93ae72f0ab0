"""The branches by name: a pyramid of guided stages with a branch-specific block."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field
from torch import nn

from bdgf.core.errors import SettingsError
from bdgf.core.settings import Settings
from bdgf.models.bdgf.branches.cnn import CnnBlock, CnnSettings
from bdgf.models.bdgf.branches.mamba import MambaBlock, MambaSettings
from bdgf.models.bdgf.branches.pyramid import BlockMaker, Pyramid, PyramidSettings
from bdgf.models.bdgf.branches.transformer import TransformerBlock, TransformerSettings

__all__ = ["BRANCHES", "BranchSettings", "Pyramid", "PyramidSettings", "block_maker"]


class BranchSettings(Settings):
    """Settings of single branches."""

    cnn: CnnSettings = Field(CnnSettings(), description="The CNN branch")
    mamba: MambaSettings = Field(MambaSettings(), description="The Mamba branch")
    transformer: TransformerSettings = Field(
        TransformerSettings(), description="The transformer branch"
    )


BRANCHES: dict[str, Callable[[int, int, BranchSettings], nn.Module]] = {
    "cnn": lambda size, width, settings: CnnBlock(size, width, settings.cnn),
    "mamba": lambda size, width, settings: MambaBlock(size, width, settings.mamba),
    "transformer": lambda size, width, settings: TransformerBlock(
        size, width, settings.transformer
    ),
}
"""A branch's block by the branch's name, for a grid's width, the branch's width and settings."""


def block_maker(name: str, width: int, settings: BranchSettings) -> BlockMaker:
    """Makes blocks of the branch `name`.

    Raises:
        SettingsError: There is no such branch.
    """
    if name not in BRANCHES:
        raise SettingsError(f"unknown branch {name!r}; the branches are {', '.join(BRANCHES)}")
    return lambda size: BRANCHES[name](size, width, settings)
