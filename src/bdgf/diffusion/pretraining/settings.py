"""The group `pretrain`: all settings that determine a denoiser."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from bdgf.core.settings import MAIN, Settings
from bdgf.diffusion.losses import LossSettings
from bdgf.diffusion.masking.settings import MaskingSettings
from bdgf.diffusion.pretraining.timesteps import TimestepSettings
from bdgf.diffusion.schedule import ScheduleSettings
from bdgf.diffusion.unet import DenoiserSettings
from bdgf.training.optimizer import OptimizationSettings


def _as_names(value: Any) -> Any:
    """Takes one name for a list of one, and numbers for names: a scene may be called 2018."""
    if isinstance(value, str | int):
        value = [value]
    if isinstance(value, list | tuple):
        return [str(name) if isinstance(name, int) else name for name in value]
    return value


class PretrainSettings(Settings):
    """All settings that determine a pretrained denoiser. Chosen by this project, not the paper."""

    steps: int | None = Field(
        None,
        ge=0,
        description="Training steps; null derives them from `epochs_equivalent`; 0 gives a "
        "random network.",
        json_schema_extra=MAIN,
    )
    epochs_equivalent: float = Field(
        300,
        gt=0,
        description="How often each valid pixel of all scenes is drawn on average.",
        json_schema_extra=MAIN,
    )
    scenes: Annotated[tuple[str, ...], BeforeValidator(_as_names)] = Field(
        (),
        description="More scenes to pretrain on, with the same modalities, labelled or "
        "not. The run's own scene is always included, and its statistics "
        "prepare all values.",
        json_schema_extra=MAIN,
    )
    least_steps: int = Field(
        600, ge=1, description="Minimum number of steps derived from `epochs_equivalent`."
    )
    most_steps: int = Field(
        3000, ge=1, description="Maximum number of steps derived from `epochs_equivalent`."
    )
    batch_size: int = Field(16, ge=1, description="Tiles per step.")
    tile: int = Field(32, ge=4, description="Side of a tile in pixels.")
    held_out: float = Field(
        0.1, ge=0, le=0.5, description="Share of the tiles that are used for validation."
    )
    least_valid: float = Field(
        0.5, ge=0, le=1, description="Minimum share of valid pixels in a training tile."
    )
    ema_decay: float = Field(0.999, ge=0, lt=1, description="Decay of the averaged weights.")
    log_every: int = Field(20, ge=1, description="Steps between two log records.")
    validate_every: int = Field(200, ge=1, description="Steps between two validations.")
    validation_timesteps: tuple[int, ...] = Field(
        (50, 100, 200, 400, 700), min_length=1, description="Diffusion steps t used for validation."
    )
    checkpoint_seconds: float = Field(
        60, ge=0, description="Minimum time in seconds between two checkpoints."
    )
    optimization: OptimizationSettings = Field(
        default_factory=OptimizationSettings, description="Learning rate, decay, clipping."
    )
    denoiser: DenoiserSettings = Field(default_factory=DenoiserSettings, description="The U-Net.")
    schedule: ScheduleSettings = Field(
        default_factory=ScheduleSettings, description="Noise levels and the target."
    )
    timesteps: TimestepSettings = Field(
        default_factory=TimestepSettings, description="Diffusion steps that it learns at."
    )
    masking: MaskingSettings = Field(
        default_factory=MaskingSettings, description="Which modalities are hidden, how often."
    )
    objective: LossSettings = Field(
        default_factory=LossSettings, description="How the loss is put together."
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.tile % self.denoiser.stride:
            raise ValueError(
                f"tile must be a multiple of {self.denoiser.stride}, the coarsest level's cell"
            )
        if (
            max(self.validation_timesteps) >= self.schedule.steps
            or min(self.validation_timesteps) < 0
        ):
            raise ValueError(f"validation_timesteps must lie in 0 .. {self.schedule.steps - 1}")
        probed = self.masking.probe.timesteps
        if max(probed) >= self.schedule.steps or min(probed) < 0:
            raise ValueError(f"masking.probe.timesteps must lie in 0 .. {self.schedule.steps - 1}")
        if self.timesteps.focus and self.timesteps.focus_range[1] > self.schedule.steps:
            raise ValueError(f"timesteps.focus_range must end by {self.schedule.steps}")
        if self.least_steps > self.most_steps:
            raise ValueError("least_steps must not exceed most_steps")
        return self

    def decisive(self) -> dict[str, Any]:
        """Settings that determine the weights, as JSON; logging and saving intervals do not.

        The names of scenes neither: what is in them does.
        """
        return self.model_dump(
            mode="json",
            exclude={
                "scenes": True,
                "log_every": True,
                "validate_every": True,
                "checkpoint_seconds": True,
                "optimization": {"skipped_steps"},
            },
        )

    def steps_for(self, valid_pixels: int) -> int:
        """Total training steps for this number of valid pixels in all scenes."""
        if self.steps is not None:
            return self.steps
        wanted = math.ceil(self.epochs_equivalent * valid_pixels / (self.batch_size * self.tile**2))
        return min(max(wanted, self.least_steps), self.most_steps)
