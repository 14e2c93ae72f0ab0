"""The noise schedule of a DDPM and the possible targets of a denoiser.

Ho et al., "Denoising Diffusion Probabilistic Models", NeurIPS 2020 (DDPM); Nichol and Dhariwal,
"Improved Denoising Diffusion Probabilistic Models", ICML 2021 (cosine); Salimans and Ho,
"Progressive Distillation", ICLR 2022 (v).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from bdgf.core.settings import Settings

Prediction = Literal["epsilon", "v", "x0"]


class ScheduleSettings(Settings):
    """Noise over the diffusion steps. Chosen by this project, not the paper."""

    kind: Literal["linear", "cosine"] = Field("linear", description="How beta increases with t.")
    steps: int = Field(1000, ge=2, description="Number T of diffusion steps.")
    beta_start: float = Field(1e-4, gt=0, lt=1, description="First beta of `linear`.")
    beta_end: float = Field(0.02, gt=0, lt=1, description="Last beta of `linear`.")
    prediction: Prediction = Field("epsilon", description="Target that the denoiser predicts.")


def linear_betas(settings: ScheduleSettings) -> Tensor:
    """Evenly spaced betas (DDPM, section 4): (T,) float64."""
    return torch.linspace(
        settings.beta_start, settings.beta_end, settings.steps, dtype=torch.float64
    )


def cosine_betas(settings: ScheduleSettings) -> Tensor:
    """Betas of the squared-cosine signal level (Nichol and Dhariwal, eq. 17): (T,) float64."""
    offset, highest_beta = 0.008, 0.999
    t = torch.linspace(0, 1, settings.steps + 1, dtype=torch.float64)
    level = torch.cos((t + offset) / (1 + offset) * math.pi / 2) ** 2
    return (1 - level[1:] / level[:-1]).clamp(max=highest_beta)


SCHEDULES: dict[str, Callable[[ScheduleSettings], Tensor]] = {
    "linear": linear_betas,
    "cosine": cosine_betas,
}


class NoiseSchedule:
    """q(x_t | x_0) = N(sqrt(abar_t) x_0, (1 - abar_t) I), DDPM eq. 4.

    Attributes:
        settings: What it was made from.
        betas: (T,) float32.
        alphas_cumprod: abar_t, (T,) float32.
    """

    def __init__(self, settings: ScheduleSettings, device: torch.device | str = "cpu") -> None:
        """Computes the tables in float64 and keeps them in float32 on `device`."""
        betas = SCHEDULES[settings.kind](settings)
        level = torch.cumprod(1 - betas, dim=0)
        self.settings = settings
        self.betas = betas.float().to(device)
        self.alphas_cumprod = level.float().to(device)
        self._signal = level.sqrt().float().to(device)
        self._noise = (1 - level).sqrt().float().to(device)

    @property
    def steps(self) -> int:
        """Number T of diffusion steps."""
        return self.settings.steps

    def q_sample(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """The noisy x_t (DDPM eq. 4).

        Args:
            x0: Clean channels, (B, C, H, W) float.
            noise: Standard normal noise, (B, C, H, W).
            t: Diffusion steps, (B,) int64 in 0 .. T - 1.

        Returns:
            x_t, (B, C, H, W).
        """
        signal, level = self._coefficients(t, x0)
        return signal * x0 + level * noise

    def target(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """The denoiser's target for x_t, by `settings.prediction`: (B, C, H, W)."""
        if self.settings.prediction == "epsilon":
            return noise
        if self.settings.prediction == "x0":
            return x0
        signal, level = self._coefficients(t, x0)
        return signal * noise - level * x0  # Salimans and Ho, section 4

    def _coefficients(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        # sqrt(abar_t) and sqrt(1 - abar_t), (B, 1, 1, 1)
        shape = (-1, *[1] * (like.ndim - 1))
        return self._signal[t].view(shape).to(like), self._noise[t].view(shape).to(like)
