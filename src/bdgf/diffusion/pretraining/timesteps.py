"""At which diffusion steps a denoiser learns."""

from __future__ import annotations

from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from bdgf.core.settings import Settings


class TimestepSettings(Settings):
    """Diffusion steps that training draws. Chosen by this project, not the paper."""

    focus: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the tiles whose step is drawn from `focus_range` alone. Features "
        "use low steps only, and nothing is generated.",
    )
    focus_range: tuple[int, int] = Field(
        (0, 300), description="First step of the range, and the step after its last."
    )

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        first, end = self.focus_range
        if not 0 <= first < end:
            raise ValueError("focus_range must be two rising steps, the first at least 0")
        return self


def stratified_timesteps(
    batch: int, steps: int, generator: torch.Generator, settings: TimestepSettings
) -> Tensor:
    """One diffusion step from each of `batch` equally likely parts of 0 .. steps - 1.

    Each is distributed as `settings` say once the batch is shuffled, which no loss notices, and
    the batch's mean loss varies less than with independent draws. Chosen here.

    Args:
        batch: Number of steps to draw.
        steps: Number T of diffusion steps.
        generator: Random generator on the device.
        settings: The distribution; without focus it is uniform.

    Returns:
        (batch,) int64.
    """
    device = generator.device
    u = torch.rand(batch, generator=generator, device=device)
    strata = torch.arange(batch, device=device)
    quantiles = (strata + u) / batch
    if settings.focus:
        reached = timestep_shares(steps, settings, device).cumsum(0)
        return torch.searchsorted(reached, quantiles, right=True).clamp(max=steps - 1)
    return (quantiles * steps).long().clamp(max=steps - 1)


def timestep_shares(
    steps: int, settings: TimestepSettings, device: torch.device | str = "cpu"
) -> Tensor:
    """How likely each diffusion step is: (steps,) float32, of sum 1."""
    shares = torch.full((steps,), (1 - settings.focus) / steps, device=device)
    first, end = settings.focus_range
    shares[first:end] += settings.focus / (end - first)
    return shares
