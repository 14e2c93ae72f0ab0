"""Balance of learning: explained noise of each modality on held-out tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.func import functional_call

from bdgf.diffusion.losses import modality_sums
from bdgf.diffusion.masking.balance_index import balance_index
from bdgf.diffusion.pretraining.tile_sampler import TileBatch
from bdgf.diffusion.schedule import NoiseSchedule
from bdgf.diffusion.unet import Denoiser, channel_planes

VALIDATION_SEED = 20231
"""Held-out tiles meet the same noise in every training, so that trainings can be compared."""


class HeldOutTiles:
    """Held-out tiles at fixed diffusion steps under fixed noise, all modalities visible."""

    def __init__(self, tiles: TileBatch, schedule: NoiseSchedule, timesteps: Sequence[int]) -> None:
        """Draws the noise.

        Args:
            tiles: The held-out tiles, V of them.
            schedule: Noise levels and target.
            timesteps: Diffusion steps at which every tile is seen.
        """
        device = tiles.x0.device
        generator = torch.Generator().manual_seed(VALIDATION_SEED)
        self._schedule = schedule
        self._x0 = tiles.x0.repeat(len(timesteps), 1, 1, 1)  # (timesteps * V, C, T, T)
        self._seen = tiles.seen.repeat(len(timesteps), 1, 1, 1)  # (timesteps * V, 1 or M, T, T)
        self._t = torch.tensor(timesteps, device=device).repeat_interleave(len(tiles.x0))
        self._noise = torch.randn(self._x0.shape, generator=generator).to(device)

    @torch.no_grad()
    def measure(
        self, denoiser: Denoiser, tensors: Mapping[str, Tensor], batch: int
    ) -> dict[str, float]:
        """Measures `denoiser` with the weights `tensors`.

        Args:
            denoiser: The network whose weights are replaced for the measurement.
            tensors: Its (averaged) state by name.
            batch: Tiles at a time.

        Returns:
            `validation_loss_<modality>` L_m, `explained_noise_<modality>` e_m = 1 - L_m (a target
            of unit variance that is not explained at all has loss 1), and `balance_index`; of the
            modalities that have data on some of the tiles.
        """
        counts = list(denoiser.modalities.values())
        sums: list[Tensor] = []
        for start in range(0, len(self._t), batch):
            part = slice(start, start + batch)
            x0, t, noise = self._x0[part], self._t[part], self._noise[part]
            seen = self._seen[part]
            visible = seen.expand(-1, len(counts), -1, -1)
            x_t = self._schedule.q_sample(x0, noise, t)
            output = functional_call(denoiser, dict(tensors), (x_t, t, visible))
            there = seen if seen.shape[1] == 1 else channel_planes(seen, counts)
            error = (output.prediction.float() - self._schedule.target(x0, noise, t)) ** 2 * there
            sums.append(modality_sums(error, counts))
        errors = torch.zeros(len(counts), dtype=torch.float64)  # here: an Apple GPU has no float64
        for part_of_them in torch.stack(sums).cpu():
            errors += part_of_them
        losses = errors / (torch.tensor(counts) * self._seen.sum(dim=(0, 2, 3)).cpu())  # (M,)
        explained = 1 - losses
        metrics = {"balance_index": balance_index(explained[explained.isfinite()])}
        for name, loss, e in zip(denoiser.modalities, losses, explained, strict=True):
            if loss.isfinite():
                metrics[f"validation_loss_{name}"] = float(loss)
                metrics[f"explained_noise_{name}"] = float(e)
        return metrics
