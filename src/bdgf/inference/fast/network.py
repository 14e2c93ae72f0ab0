"""The fast network: a few depthwise dilated convolutions that classify a whole window at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_EXPANSION = 2
"""Width within a block of layers, relative to the network's."""
CONTEXT = 14
"""Reach in pixels for a model whose own reach is larger, such as one of diffusion features."""


def dilations(reach: int, depth: int) -> tuple[int, ...]:
    """The dilations of a network's blocks: pairs of 1, 2, 4, ..., then blocks of single pixels (0).

    Args:
        reach: Pixels on each side that the network has to see at least.
        depth: Least number of blocks.
    """
    found: list[int] = []
    while sum(found) < reach:
        found += [2 ** (len(found) // 2)] * 2
    return (*found, *(0,) * (depth - len(found)))


class FastNetwork(nn.Module):
    """Classifies all pixels of a window that has a margin of `reach` pixels.

    It has no padding: each block of layers takes away as many pixels on each side as it looks at.
    Pixels without data are 0 after every block, and so is what lies beyond the raster. A pixel's
    answer thus depends on the pixels within its reach alone, wherever a window is cut.

    Attributes:
        modalities: Channels of each modality, in order.
        classes: K.
        dilated: The dilation of each block, 0 for one that sees single pixels.
        reach: Pixels on each side of a pixel that it sees.
    """

    def __init__(
        self, modalities: Mapping[str, int], classes: int, width: int, dilated: Sequence[int]
    ) -> None:
        """Draws the weights from PyTorch's global generator.

        Args:
            modalities: Channels of each modality, in order.
            classes: K.
            width: Channels of the network.
            dilated: The dilation of each block, 0 for one that sees single pixels.
        """
        super().__init__()
        self.modalities, self.classes = dict(modalities), classes
        self.dilated, self.reach = tuple(dilated), sum(dilated)
        seen = sum(modalities.values()) + len(modalities)
        self.stem = nn.Linear(seen, width)
        self.blocks = nn.ModuleList(_Block(width, dilation) for dilation in dilated)
        self.head = nn.Linear(width, classes)

    def forward(self, channels: Tensor, present: Tensor, valid: Tensor) -> Tensor:
        """Logits of the window without its margin.

        Args:
            channels: (B, h, w, C) float32, 0 where there is no data and beyond the raster.
            present: (B, h, w, M) float32, 1 where each modality has data.
            valid: (B, h, w, 1) float32, 1 where any has.

        Returns:
            (B, h - 2 reach, w - 2 reach, K).
        """
        found = self.stem(torch.cat([channels, present], dim=-1)) * valid
        for block, dilation in zip(self.blocks, self.dilated, strict=True):
            valid = trimmed(valid, dilation)
            found = block(found) * valid
        logits: Tensor = self.head(functional.relu(found))
        return logits


class _Block(nn.Module):
    """A residual block: each channel looks around, then every pixel mixes its channels."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        if dilation:
            self.around = nn.Conv2d(width, width, 3, dilation=dilation, groups=width)
        self.expand = nn.Linear(width, _EXPANSION * width)
        self.reduce = nn.Linear(_EXPANSION * width, width)
        nn.init.zeros_(self.reduce.weight)  # at first a block changes nothing
        nn.init.zeros_(self.reduce.bias)

    def forward(self, found: Tensor) -> Tensor:
        seen = found
        if self.dilation:
            seen = self.around(found.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        mixed = self.reduce(functional.relu(self.expand(seen)))
        return trimmed(found, self.dilation) + mixed


def trimmed(maps: Tensor, margin: int) -> Tensor:
    """(B, h, w, C) without `margin` pixels on each side."""
    return maps[:, margin : maps.shape[1] - margin, margin : maps.shape[2] - margin]
