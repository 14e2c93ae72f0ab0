"""Normalisation of the denoiser's activations, with frozen statistics for dense extraction."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own name for it
from torch import Tensor, nn


class GroupNorm(nn.GroupNorm):
    """GroupNorm (Wu and He, 2018) whose statistics can be frozen.

    In training the statistics are those of each tile. With statistics frozen to those of a whole
    scene it is a fixed affine map: an activation then depends on its surroundings only, not on
    the extent of the tile it is computed in, and the tile's mean brightness is not lost. Freezing
    is chosen here.

    Attributes:
        statistics: (2, groups) float32, mean and reciprocal standard deviation; None while each
            tile has its own.
    """

    def __init__(self, channels: int) -> None:
        """Makes groups of at least four channels, at most eight groups."""
        super().__init__(max(1, math.gcd(8, channels // 4)), channels)
        self.statistics: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        if self.statistics is None:
            return super().forward(x.float() if _slow_in_half(x) else x)
        mean, scale = self.statistics.repeat_interleave(
            self.num_channels // self.num_groups, dim=1
        )  # (C,) each
        scale = scale * self.weight
        return torch.addcmul((self.bias - mean * scale)[:, None, None], x, scale[:, None, None])

    def freeze_to(self, x: Tensor, valid: Tensor) -> None:
        """Freezes to the statistics of one input, pooled over its batch and valid positions.

        Args:
            x: (B, C, H, W).
            valid: (B, 1, h, w) float, 1 where there are data; pooled to H x W.
        """
        if x.shape[2:] != valid.shape[2:]:
            valid = F.adaptive_max_pool2d(valid, x.shape[2:])
        seen, count = x.float() * valid, valid.sum().clamp(min=1)
        mean = seen.sum(dim=(0, 2, 3)).view(self.num_groups, -1).mean(dim=1) / count
        square = seen.square().sum(dim=(0, 2, 3)).view(self.num_groups, -1).mean(dim=1) / count
        variance = (square - mean.square()).clamp(min=0)
        self.statistics = torch.stack([mean, (variance + self.eps).rsqrt()])


def calibrate(network: nn.Module, run: Callable[[], object], valid: Tensor) -> Tensor:
    """Freezes every GroupNorm that `run` passes through to the statistics of that run.

    Args:
        network: The network.
        run: Calls the network; later layers see the frozen output of earlier ones.
        valid: (B, 1, H, W) float, 1 where the run's input has data.

    Returns:
        (2, total groups) float32, as `freeze` takes them.
    """
    freeze(network, None)
    hooks = [
        norm.register_forward_pre_hook(lambda layer, inputs: layer.freeze_to(inputs[0], valid))
        for norm in _norms(network)
    ]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    parts = [
        norm.statistics if norm.statistics is not None else torch.zeros(2, norm.num_groups)
        for norm in _norms(network)
    ]
    device = valid.device
    return (
        torch.cat([p.to(device) for p in parts], 1) if parts else torch.zeros(2, 0, device=device)
    )


def freeze(network: nn.Module, statistics: Tensor | None) -> None:
    """Freezes every GroupNorm of a network, or lets each tile have its own statistics again.

    Args:
        network: The network.
        statistics: (2, total groups) from `calibrate`; None to unfreeze.
    """
    start = 0
    for norm in _norms(network):
        norm.statistics = (
            None if statistics is None else statistics[:, start : start + norm.num_groups]
        )
        start += norm.num_groups


def _slow_in_half(x: Tensor) -> bool:
    # On a CPU PyTorch's backward pass takes several times as long in bfloat16 as in float32.
    return x.device.type == "cpu" and x.dtype == torch.bfloat16


def _norms(network: nn.Module) -> list[GroupNorm]:
    return [layer for layer in network.modules() if isinstance(layer, GroupNorm)]
