"""How much the decoder's features depend on each modality: their change when it is hidden.

Explained noise says how well a modality is denoised, and a smooth one is denoised well whatever
the features hold of it. What is measured here is what the features would lose. Chosen here.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own name for it
from torch import Tensor, nn
from torch.func import functional_call

from bdgf.diffusion.masking.settings import SensitivityProbeSettings
from bdgf.diffusion.pretraining.tile_sampler import TileBatch
from bdgf.diffusion.schedule import NoiseSchedule
from bdgf.diffusion.unet import Denoiser

PROBE_SEED = 20232
"""The probe's tiles meet the same noise in every training, so that trainings can be compared."""


class SensitivityProbe:
    """A few held-out tiles under fixed noise, on which the features' change is measured."""

    def __init__(
        self, tiles: TileBatch, schedule: NoiseSchedule, settings: SensitivityProbeSettings
    ) -> None:
        """Takes tiles evenly spread over the held-out ones, and draws the noise.

        Args:
            tiles: The held-out tiles, V of them.
            schedule: Noise levels.
            settings: How many tiles, at which diffusion steps.
        """
        device, count = tiles.x0.device, min(settings.tiles, len(tiles.x0))
        chosen = torch.linspace(0, len(tiles.x0) - 1, count).round().long().to(device)
        repeats = (len(settings.timesteps), 1, 1, 1)
        x0 = tiles.x0[chosen].repeat(repeats)  # (timesteps * V, C, T, T)
        noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(PROBE_SEED))
        self._valid = tiles.valid[chosen].repeat(repeats)
        self._seen = tiles.seen[chosen].repeat(repeats)
        self._t = torch.tensor(settings.timesteps, device=device).repeat_interleave(count)
        self._x_t = schedule.q_sample(x0, noise.to(device), self._t)

    @torch.no_grad()
    def change(self, denoiser: Denoiser, tensors: Mapping[str, Tensor] | None = None) -> Tensor:
        """`relative_change` of every decoder level when one modality is hidden.

        Args:
            denoiser: The network.
            tensors: Weights to measure instead of its present ones, by name.

        Returns:
            (levels, M) float32, finest level first.
        """
        weights = {f"denoiser.{name}": t for name, t in (tensors or {}).items()}
        decoder, count = _Decoder(denoiser), len(denoiser.modalities)
        seen = self._seen.expand(-1, count, -1, -1)  # (timesteps * V, M, T, T)

        def features(visible: Tensor) -> list[Tensor]:
            levels: list[Tensor] = functional_call(
                decoder, weights, (self._x_t, self._t, visible * self._valid)
            )
            return levels

        everything = features(seen)
        changes = []
        for m in range(count):
            visible = seen.clone()
            visible[:, m] = 0
            hidden = features(visible)
            changes.append(
                torch.stack(
                    [
                        relative_change(full, less, self._valid)
                        for full, less in zip(everything, hidden, strict=True)
                    ]
                )
            )
        return torch.stack(changes, dim=1)


class _Decoder(nn.Module):
    # `functional_call` calls `forward`, and the features are those of `decode`.
    def __init__(self, denoiser: Denoiser) -> None:
        super().__init__()
        self.denoiser = denoiser

    def forward(self, x_t: Tensor, t: Tensor, visible: Tensor) -> list[Tensor]:
        return self.denoiser.decode(x_t, t, visible)


def relative_change(full: Tensor, less: Tensor, valid: Tensor) -> Tensor:
    """Sum of |f(all) - f(without m)|^2 / sum |f(all)|^2 over valid cells.

    A ratio of sums, not a mean of ratios: cells with next to no activation say nothing.

    Args:
        full: Features with all modalities visible, (B, C, h, w) float.
        less: Features without one, (B, C, h, w).
        valid: (B, 1, H, W) float, 1 where there are data; a cell is valid if it holds some.

    Returns:
        A scalar; 0 where the features do not see the modality.
    """
    cells = F.adaptive_max_pool2d(valid, full.shape[2:])
    full, less = full.float() * cells, less.float() * cells
    return (full - less).square().sum() / full.square().sum().clamp(min=1e-12)


def feature_shares(change: Tensor) -> Tensor:
    """Each modality's share of the features: of each level's changes, averaged over the levels.

    Args:
        change: (levels, M) float, from `SensitivityProbe.change`.

    Returns:
        (M,), which add up to 1; 1/M each of a level where nothing changes.
    """
    total = change.sum(dim=1, keepdim=True)
    even = torch.full_like(change, 1 / change.shape[1])
    return torch.where(total > 0, change / total.clamp(min=1e-12), even).mean(dim=0)
