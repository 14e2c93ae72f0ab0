"""The pretraining loss: denoising of what is visible, reconstruction of what is hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from bdgf.core.settings import Settings
from bdgf.diffusion.schedule import NoiseSchedule
from bdgf.diffusion.unet import channel_planes


class LossSettings(Settings):
    """Terms of the loss. Chosen by this project, not the paper."""

    loss_average: Literal["modality", "element"] = Field(
        "modality",
        description="Average within each modality first, or over all elements (dominated "
        "by large modalities).",
    )
    reconstruction_weight: float = Field(
        0.5, ge=0, description="Weight of the clean reconstruction of hidden channels."
    )
    timestep_weight: Literal["uniform", "min_snr"] = Field(
        "uniform",
        description="Weight of a tile by its diffusion step: all alike, or by the signal-to-noise "
        "ratio up to `snr_limit` (Min-SNR).",
    )
    snr_limit: float = Field(5.0, gt=0, description="Highest ratio that counts (`min_snr`).")


@dataclass(frozen=True)
class PretrainLoss:
    """The loss of one batch.

    Attributes:
        total: What is minimised, a scalar.
        denoising: Mean squared error of each modality's target where it is visible, (M,),
            detached; NaN where it was hidden throughout.
        reconstruction: The same of its clean channels where it is hidden, (M,), detached; NaN
            where it was visible throughout.
    """

    total: Tensor
    denoising: Tensor
    reconstruction: Tensor


def p_losses(
    denoiser: nn.Module,
    schedule: NoiseSchedule,
    x0: Tensor,
    valid: Tensor,
    t: Tensor,
    noise: Tensor,
    visible: Tensor,
    channel_counts: Sequence[int],
    settings: LossSettings,
    over_ranks: Callable[[Tensor], Tensor] = lambda sums: sums,
) -> PretrainLoss:
    """The masked multimodal DDPM loss (DDPM eq. 14 over what is visible).

    The error where there are no data never counts, and such channels are hidden from the denoiser.

    Args:
        denoiser: A `Denoiser`, or a wrapper called like one.
        schedule: Noise levels and target.
        x0: Clean tiles, (B, C, H, W) float32.
        valid: (B, 1, H, W) float32, 1 where there are data; (B, M, H, W) where modalities differ.
        t: Diffusion steps, (B,) int64.
        noise: Standard normal, (B, C, H, W).
        visible: (B, M, H, W) float32, 1 where a modality is visible.
        channel_counts: Channels of each modality, in the order of the C channels.
        settings: Averaging and weights.
        over_ranks: Adds up sums over the processes that share a batch (`Ranks.total`).
    """
    x_t, target = schedule.q_sample(x0, noise, t), schedule.target(x0, noise, t)
    prediction, reconstruction = denoiser(x_t, t, visible * valid)
    seen = channel_planes(visible * valid, channel_counts)  # (B, C, H, W)
    there = valid if valid.shape[1] == 1 else channel_planes(valid, channel_counts)
    hidden = there - seen
    errors = (prediction - target) ** 2 * seen
    sums = [
        modality_sums(errors, channel_counts),
        modality_sums((reconstruction - x0) ** 2 * hidden, channel_counts),
        modality_sums(seen, channel_counts),
        modality_sums(hidden, channel_counts),
    ]
    if settings.timestep_weight == "min_snr":
        weights = min_snr_weights(schedule, settings.snr_limit)[t]
        sums.append(modality_sums(errors * weights.view(-1, 1, 1, 1), channel_counts))
    denoising, rebuilt, seen_count, hidden_count, *weighted = over_ranks(torch.stack(sums)).unbind()
    learnt = weighted[0] if weighted else denoising
    everything = seen_count + hidden_count
    # Reconstruction is divided by all elements: a rarely hidden modality weighs accordingly.
    if settings.loss_average == "modality":
        measured = (seen_count > 0).float()
        total = (learnt / seen_count.clamp(min=1)).sum() / measured.sum().clamp(min=1)
        rebuilding = (rebuilt / everything.clamp(min=1)).mean()
    else:
        total = learnt.sum() / seen_count.sum().clamp(min=1)
        rebuilding = rebuilt.sum() / everything.sum().clamp(min=1)
    return PretrainLoss(
        total=total + settings.reconstruction_weight * rebuilding,
        denoising=(denoising / seen_count).detach(),
        reconstruction=(rebuilt / hidden_count).detach(),
    )


def min_snr_weights(schedule: NoiseSchedule, limit: float) -> Tensor:
    """Weights of the diffusion steps by their signal-to-noise ratio, up to a limit.

    Hang et al., "Efficient Diffusion Training via Min-SNR Weighting Strategy", ICCV 2023, section
    3.4: min(SNR, limit) times what turns the target's error into that of x_0. Divided by their
    mean, so that `reconstruction_weight` weighs as without them. Chosen here.

    Args:
        schedule: Noise levels and target.
        limit: Highest ratio that counts.

    Returns:
        (T,) float32 of mean 1.
    """
    ratio = schedule.alphas_cumprod / (1 - schedule.alphas_cumprod)
    counted = ratio.clamp(max=limit)
    weights = {
        "epsilon": (limit / ratio).clamp(max=1),  # counted / ratio, also where no signal is left
        "v": counted / (ratio + 1),
        "x0": counted,
    }[schedule.settings.prediction]
    return weights / weights.mean()


def modality_sums(values: Tensor, channel_counts: Sequence[int]) -> Tensor:
    """Sums of (B, C, H, W) over each modality's channels and everything else: (M,)."""
    parts = values.sum(dim=(0, 2, 3)).split(list(channel_counts))
    return torch.stack([part.sum() for part in parts])
