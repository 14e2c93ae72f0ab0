"""The block of the transformer branch: self-attention over a grid's cells."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from bdgf.core.errors import SettingsError
from bdgf.core.settings import Settings
from bdgf.nn.fused.cells import (
    OUTPUTS,
    Cells,
    layers_of,
    padded,
    product_weights,
    run,
    scores_room,
    softmax_scale,
)


class TransformerSettings(Settings):
    """The transformer branch. Chosen by this project, not the paper."""

    heads: int = Field(1, ge=1, description="Attention heads")
    expansion: int = Field(2, ge=1, description="Width of the channel mixer relative to the branch")


class TransformerBlock(nn.Module):
    """Pre-norm self-attention with a positional embedding, then a channel mixer: (B, h, h, C)."""

    def __init__(self, size: int, width: int, settings: TransformerSettings) -> None:
        """Builds the block.

        Raises:
            SettingsError: The heads do not divide the width.
        """
        super().__init__()
        if width % settings.heads:
            raise SettingsError(
                f"the transformer branch splits its width {width} over {settings.heads} heads "
                "unequally; change transformer.heads or pyramid.width"
            )
        self.heads = settings.heads
        self.fusible = width // settings.heads % OUTPUTS == 0
        self.positional_embedding = nn.Parameter(torch.randn(size * size, width) * 0.02)
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.mix = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, settings.expansion * width),
            nn.GELU(),
            nn.Linear(settings.expansion * width, width),
        )

    def forward(self, grid: Tensor) -> Tensor:
        """Mixes (B, h, h, C)."""
        tokens = grid.flatten(1, 2) + self.positional_embedding  # (B, h * h, C)
        joined = self.query_key_value(self.attention_norm(tokens))
        q, k, v = joined.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        answers = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        tokens = tokens + self.output(answers)
        tokens = tokens + self.mix(tokens)
        return tokens.view_as(grid)

    def fused(self, cells: Cells) -> None:
        """Mixes cells in place."""
        from bdgf.nn.fused import kernels

        channels, row = cells.channels, cells.row
        (norm,), (up, down) = layers_of(self.mix, nn.LayerNorm), layers_of(self.mix, nn.Linear)
        hidden = up.out_features
        scale = torch.ones(3 * channels)
        scale[:channels] = softmax_scale(channels // self.heads)
        weights = (
            padded(self.positional_embedding.t()),
            *product_weights(self.query_key_value, self.attention_norm, scale),
            *product_weights(self.output),
            *product_weights(up, norm),
            *product_weights(down),
        )
        run(
            kernels.transformer_block,
            len(cells.data),
            cells.data.numel() * (4 * channels + 2 * hidden + 2 * cells.count),
            ((channels, cells.count, row, self.heads, hidden), (self.attention_norm.eps, norm.eps)),
            cells.data,
            weights,
            scratch=(4 * channels + hidden) * row + scores_room(cells.count),
        )
