"""The denoiser's parts. Feature maps are (B, C, H, W) in channels-last memory throughout."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own name for it
from einops import rearrange
from torch import Tensor, nn

from bdgf.nn.group_norm import GroupNorm

CONVOLUTIONS = 2
"""Convolutions of 3x3 cells in a residual block, one after the other."""


class TimeEmbedding(nn.Module):
    """Sinusoids of t (Vaswani et al., 2017, section 3.5), then two linear layers."""

    frequencies: Tensor

    def __init__(self, width: int, channels: int) -> None:
        """Makes the embedding.

        Args:
            width: Number of sinusoids, even.
            channels: Channels of the result.
        """
        super().__init__()
        longest_period = 10_000
        powers = torch.arange(width // 2) / (width // 2)
        self.register_buffer("frequencies", longest_period**-powers, persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(width, channels), nn.SiLU(), nn.Linear(channels, channels), nn.SiLU()
        )

    def forward(self, t: Tensor) -> Tensor:
        """(B,) int64 -> (B, channels)."""
        angles = t[:, None] * self.frequencies
        return self.layers(torch.cat([angles.sin(), angles.cos()], dim=1))


class ResidualBlock(nn.Module):
    """Norm, SiLU, 3x3 convolution, twice; the time embedding scales and shifts between them."""

    def __init__(self, channels_in: int, channels: int, time_channels: int) -> None:
        """Makes a block from `channels_in` to `channels`."""
        super().__init__()
        self.norm_in = GroupNorm(channels_in)
        self.conv_in = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.time = nn.Linear(time_channels, 2 * channels)
        self.norm_out = GroupNorm(channels)
        self.conv_out = _zero(nn.Conv2d(channels, channels, 3, padding=1))
        same = channels_in == channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Maps (B, channels_in, H, W) and time (B, time_channels) to (B, channels, H, W)."""
        scale, shift = self.time(time)[:, :, None, None].chunk(2, dim=1)
        h = self.conv_in(_silu(self.norm_in(x)))
        h = torch.addcmul(shift, self.norm_out(h), 1 + scale)
        return self.shortcut(x) + self.conv_out(_silu(h))


class WindowAttention(nn.Module):
    """Self-attention within square windows of a grid that starts at the upper left corner.

    A training tile is one window. In a larger tile whose corner lies on the scene's window grid
    the windows are the same, however the scene was cut. Chosen here.
    """

    def __init__(self, channels: int, window: int, head_channels: int) -> None:
        """Makes the attention.

        Args:
            channels: Channels of the feature map.
            window: Side of a window, in cells of the feature map.
            head_channels: Channels of a head, where they divide `channels`.
        """
        super().__init__()
        self.window = window
        self.heads = max(1, channels // head_channels)
        self.norm = GroupNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = _zero(nn.Linear(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W), H and W multiples of the window."""
        rows, columns = x.shape[2] // self.window, x.shape[3] // self.window
        windows = rearrange(
            self.norm(x), "b c (r i) (s j) -> (b r s) (i j) c", r=rows, s=columns
        )  # (windows, cells, C)
        q, k, v = rearrange(
            self.qkv(windows), "n l (three h d) -> three n h l d", three=3, h=self.heads
        )
        mixed = rearrange(F.scaled_dot_product_attention(q, k, v), "n h l d -> n l (h d)")
        mixed = rearrange(
            self.out(mixed), "(b r s) (i j) c -> b c (r i) (s j)",
            r=rows, s=columns, i=self.window,
        )  # fmt: skip
        return x + mixed


def _silu(fresh: Tensor) -> Tensor:
    # In place where no gradient asks for what was there: maps of large regions take the memory.
    return F.silu(fresh, inplace=not torch.is_grad_enabled())


def _zero(layer: nn.Module) -> nn.Module:
    # A residual path that starts at zero: the block starts as the identity.
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
