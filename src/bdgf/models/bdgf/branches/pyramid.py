"""The pyramid shared by the branches, which differ in the block that mixes a stage's grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from bdgf.core.settings import Settings
from bdgf.models.bdgf.guidance import GuideGeometry, GuideSettings, make_guide
from bdgf.nn.dropout import Dropout
from bdgf.nn.fused.cells import SharedCells, can_fuse, channels_first, resampled, weighted_sums
from bdgf.nn.resampling import Resample, centre_weights, pooling_weights, stage_size
from bdgf.raster.patches import level_patch

BlockMaker = Callable[[int], nn.Module]
"""Takes the width h of a stage's grid; gives a module from (B, h, h, C) to (B, h, h, C)."""


class PyramidSettings(Settings):
    """Sizes that all branches share. Chosen by this project, not the paper."""

    stages: int = Field(
        3, ge=1, le=5, description="Number of stages, each on a grid of half the width"
    )
    depth: int = Field(1, ge=1, description="Blocks in each stage")
    width: int = Field(32, ge=1, description="Channels of a branch")
    embedding: int = Field(64, ge=1, description="Length of a branch's embedding of a pixel")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout before and after the embedding")


class Pyramid(nn.Module):
    """Guided stages on ever coarser grids of a patch, then a readout of its centre pixel.

    Stage s works on the patch pooled to ceil(patch / 2**s) cells a side, is guided by decoder level
    s [stated: the guidance is hierarchical], and mixes its cells by its blocks. The readout joins
    the centre of every stage with the mean of the last (chosen here: the label is the centre
    pixel's, the rest is context).
    """

    def __init__(
        self,
        settings: PyramidSettings,
        guide_settings: GuideSettings,
        guide: str,
        *,
        patch: int,
        levels: int,
        classes: int,
        make_block: BlockMaker,
    ) -> None:
        """Builds the pyramid.

        Args:
            settings: Sizes.
            guide_settings: Sizes of the guides.
            guide: Name of the guide; it guides every stage that has a level.
            patch: Width of the patch in pixels.
            levels: Number of levels of diffusion features.
            classes: K, number of classes.
            make_block: Makes a block for a grid's width.
        """
        super().__init__()
        sizes = [stage_size(patch, stage) for stage in range(settings.stages)]
        self.pools = nn.ModuleList(
            Resample(pooling_weights(fine, coarse))
            for fine, coarse in zip(sizes[:1] + sizes[:-1], sizes, strict=True)
        )
        self.guides = nn.ModuleList(
            make_guide(
                guide if stage < levels else "none",
                GuideGeometry(
                    settings.width, patch, sizes[stage], level_patch(patch, stage), stage
                ),
                guide_settings,
            )
            for stage in range(settings.stages)
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(*(make_block(size) for _ in range(settings.depth))) for size in sizes
        )
        self.readout = Readout(settings, sizes, classes)
        blocks = (block for stage in self.blocks for block in stage.children())
        parts = [*self.guides, *blocks]
        self.fusible = all(
            hasattr(part, "fused") and getattr(part, "fusible", True) for part in parts
        )

    def forward(self, grid: Tensor, guidance: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Classifies the patches' centre pixels.

        Args:
            grid: (B, P, P, C) the branch's stem on the patches.
            guidance: Per level (B, P_l, P_l, G) projected diffusion features; levels beyond the
                stages are not looked at.

        Returns:
            Logits (B, K) and embeddings (B, E).
        """
        if self.fusible and can_fuse(self, grid):
            return self._fused(grid, guidance)
        stages = []
        for stage, (pool, guide, blocks) in enumerate(
            zip(self.pools, self.guides, self.blocks, strict=True)
        ):
            grid = pool(grid)
            if stage < len(guidance):
                grid = guide(grid, guidance[stage])
            grid = blocks(grid)
            stages.append(grid)
        logits, embedding = self.readout(stages)
        return logits, embedding

    def _fused(self, grid: Tensor, guidance: list[Tensor]) -> tuple[Tensor, Tensor]:
        """`forward` by compiled blocks."""
        shared = guidance if isinstance(guidance, SharedCells) else SharedCells(guidance)
        cells, summaries = channels_first(grid), []
        stages: Iterable[Any] = zip(self.pools, self.guides, self.blocks, strict=True)
        for stage, (pool, guide, blocks) in enumerate(stages):
            if not pool.identity:
                cells = resampled(cells, pool.matrix)
            if stage < len(guidance):
                guide.fused(cells, shared.cells(stage))
            for block in blocks:
                block.fused(cells)
            summaries.append(weighted_sums(cells, self.readout.centre(stage)))
        even = grid.new_full((cells.count,), 1 / cells.count)
        summaries.append(weighted_sums(cells, even))
        return self.readout.answer(summaries)


class Readout(nn.Module):
    """Centre of every stage and mean of the last, to an embedding, to logits."""

    def __init__(self, settings: PyramidSettings, sizes: list[int], classes: int) -> None:
        super().__init__()
        joined = settings.width * (len(sizes) + 1)
        self.centres = [f"centre_{stage}" for stage in range(len(sizes))]
        for name, size in zip(self.centres, sizes, strict=True):
            self.register_buffer(name, centre_weights(size), persistent=False)
        self.norm = nn.LayerNorm(joined)
        self.embed = nn.Sequential(
            Dropout(settings.dropout), nn.Linear(joined, settings.embedding), nn.GELU()
        )
        self.classify = nn.Sequential(
            Dropout(settings.dropout), nn.Linear(settings.embedding, classes)
        )

    def forward(self, stages: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Takes each stage's grid (B, h, h, C); gives logits (B, K) and embeddings (B, E)."""
        summaries = [
            torch.einsum("n,bnc->bc", self.centre(stage).to(grid.dtype), grid.flatten(1, 2))
            for stage, grid in enumerate(stages)
        ]
        summaries.append(stages[-1].mean((1, 2), dtype=torch.float32))
        return self.answer(summaries)

    def centre(self, stage: int) -> Tensor:
        """(h * h,) weights of the centre of a stage's grid."""
        weights: Tensor = getattr(self, self.centres[stage])
        return weights

    def answer(self, summaries: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits and embeddings of the centres (B, C) of all stages and the mean of the last."""
        embedding = self.embed(self.norm(torch.cat(summaries, dim=-1)))  # (B, E)
        return self.classify(embedding), embedding
