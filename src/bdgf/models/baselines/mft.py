"""Multimodal fusion transformer, in the spirit of MFT.

Roy, Deria, Hong, Rasti, Plaza and Chanussot, "Multimodal Fusion Transformer for Remote Sensing
Image Classification", IEEE TGRS 2023, written from its description: convolutions turn the spectral
cube into a few patch tokens, the auxiliary modality becomes the class token, and attention in which
the class token alone asks (cross patch attention) fuses the two.

Simplified here: the 3-D convolution along neighbouring bands is a projection of each pixel's
spectrum, since the prepared channels may be components, which have no neighbours; several
auxiliary modalities are stacked and give one class token; patch tokens are not changed by the
encoder, which answers to the class token only. Where a scene has one kind of modality, that kind
gives the patch tokens, and the class token is learned, as a vision transformer's.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from bdgf.core.errors import SettingsError
from bdgf.core.settings import Settings
from bdgf.models.baselines.patch_baseline import PatchBaseline


class MultimodalTransformerSettings(Settings):
    """The multimodal transformer; sizes follow the paper where it gives them."""

    width: int = Field(64, ge=1, description="Length of a token.")
    tokens: int = Field(
        4, ge=1, description="Number of patch tokens that the spectral cube is reduced to."
    )
    depth: int = Field(2, ge=1, description="Encoder layers.")
    heads: int = Field(8, ge=1, description="Attention heads.")
    groups: int = Field(4, ge=1, description="Groups of the heterogeneous convolution.")
    expansion: int = Field(2, ge=1, description="Width of the channel mixer relative to a token.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout on tokens and in the encoder.")


class MultimodalTransformer(PatchBaseline):
    """Spectral patch tokens, asked by the auxiliary modality's class token."""

    def __init__(
        self,
        settings: MultimodalTransformerSettings,
        modalities: dict[str, int],
        spectral: list[str],
        patch: int,
        classes: int,
    ) -> None:
        """Builds the network; the arguments are those of `PatchBaseline`.

        Raises:
            SettingsError: Heads or groups do not divide the width.
        """
        super().__init__("mft", settings, modalities, spectral, patch, classes)
        width = settings.width
        for name, parts in (("heads", settings.heads), ("groups", settings.groups)):
            if width % parts:
                raise SettingsError(
                    f"mft splits its width {width} in {parts} {name} of unequal size; change "
                    f"baselines.mft.{name} or baselines.mft.width"
                )
        self.spectral_stem = nn.Sequential(
            nn.Conv2d(self.spectral_count or self.auxiliary_count, width, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            HeterogeneousConvolution(width, settings.groups),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.has_both = bool(self.spectral_count and self.auxiliary_count)
        if self.has_both:
            self.auxiliary_stem = nn.Sequential(
                nn.Conv2d(self.auxiliary_count, width, 3, padding=1),
                nn.BatchNorm2d(width),
                nn.GELU(),
            )
        self.patch_tokens = Tokenizer(width, settings.tokens)
        if self.has_both:
            self.class_token = Tokenizer(width, 1)
        else:
            self.learned_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positional_embedding = nn.Parameter(torch.randn(1 + settings.tokens, width) * 0.02)
        self.dropout = nn.Dropout(settings.dropout)
        self.encoder = nn.ModuleList(CrossPatchLayer(settings) for _ in range(settings.depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def embed(self, spectral: Tensor, auxiliary: Tensor) -> tuple[Tensor, Tensor]:
        """Classifies patches: see `PatchBaseline.embed`."""
        if self.has_both:
            asking = self.class_token(self.auxiliary_stem(auxiliary))  # (B, 1, width)
        else:
            asking = self.learned_token.expand(len(spectral), -1, -1)
        first = spectral if self.spectral_count else auxiliary
        asked = self.patch_tokens(self.spectral_stem(first))  # (B, tokens, width)
        tokens = self.dropout(torch.cat([asking, asked], dim=1) + self.positional_embedding)
        asking, asked = tokens[:, :1], tokens[:, 1:]
        for layer in self.encoder:
            asking = layer(asking, asked)
        embedding = self.norm(asking[:, 0])  # (B, width)
        return self.head(embedding), embedding


class HeterogeneousConvolution(nn.Module):
    """Sum of a grouped 3x3 and a 1x1 convolution: most of a full kernel's reach, at less cost."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(width, width, 3, padding=1, groups=groups)
        self.pointwise = nn.Conv2d(width, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Takes and gives (B, width, P, P)."""
        mixed: Tensor = self.spatial(maps) + self.pointwise(maps)
        return mixed


class Tokenizer(nn.Module):
    """Reduces the pixels of a patch to tokens, each a learned weighting of all of them.

    tokens = softmax(X W_a)^T X W_b over the pixels X (B, P * P, width).
    """

    def __init__(self, width: int, tokens: int) -> None:
        super().__init__()
        self.weighting = nn.Linear(width, tokens, bias=False)
        self.value = nn.Linear(width, width, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Takes (B, width, P, P); gives (B, tokens, width)."""
        pixels = maps.flatten(2).transpose(1, 2)  # (B, P * P, width)
        weights = self.weighting(pixels).softmax(dim=1)  # (B, P * P, tokens)
        tokens: Tensor = weights.transpose(1, 2) @ self.value(pixels)
        return tokens


class CrossPatchLayer(nn.Module):
    """The class token asks itself and the patch tokens; then a channel mixer; both residual."""

    def __init__(self, settings: MultimodalTransformerSettings) -> None:
        super().__init__()
        width, self.heads = settings.width, settings.heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Sequential(nn.Linear(width, width), nn.Dropout(settings.dropout))
        self.mix = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, settings.expansion * width),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Linear(settings.expansion * width, width),
            nn.Dropout(settings.dropout),
        )

    def forward(self, asking: Tensor, asked: Tensor) -> Tensor:
        """Takes the class token (B, 1, width) and patch tokens (B, n, width); gives the former."""
        tokens = self.norm(torch.cat([asking, asked], dim=1))
        q = self.query(tokens[:, :1]).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.key_value(tokens).chunk(2, dim=-1)
        k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (key, value))
        answers = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        asking = asking + self.output(answers)
        fused: Tensor = asking + self.mix(asking)
        return fused
