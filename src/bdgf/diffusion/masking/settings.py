"""Settings of masking, apart from what they set: signals and rules read them too."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from bdgf.core.settings import MAIN, Settings


class SensitivityProbeSettings(Settings):
    """On what, and how often, the change of the features is measured. Chosen here."""

    every: int = Field(20, ge=1, description="Steps between two measurements.")
    tiles: int = Field(4, ge=1, description="Held-out tiles, at most as many as there are.")
    timesteps: tuple[int, ...] = Field(
        (50, 100, 200), min_length=1, description="Diffusion steps t, those of the features."
    )


class MaskingSettings(Settings):
    """How modalities are hidden in pretraining. Chosen here, but for masking being adaptive."""

    strategy: Literal["none", "fixed", "adaptive"] = Field(
        "adaptive",
        description="`none`, one rate for all (`fixed`), or rates that follow learning.",
        json_schema_extra=MAIN,
    )
    granularity: Literal["tile", "block"] = Field(
        "tile", description="Hide a modality in the whole tile, or block by block."
    )
    block: int = Field(8, ge=1, description="Side of a block in pixels (granularity `block`).")
    rate: float = Field(0.25, ge=0, lt=1, description="Rate of every modality (`fixed`).")
    p_min: float = Field(0.05, ge=0, lt=1, description="Lowest rate (`adaptive`).")
    p_max: float = Field(0.5, ge=0, lt=1, description="What imbalance can add to the rate.")
    rule: Literal["ratio", "equalise"] = Field(
        "ratio",
        description="Rates answer to the present imbalance, or move until there is none.",
    )
    alpha: float = Field(1.0, gt=0, description="How sharply the rate answers (rule `ratio`).")
    gain: float = Field(0.015, gt=0, description="How fast rates move a step (rule `equalise`).")
    signal: Literal["explained_noise", "modality_sensitivity"] = Field(
        "explained_noise", description="What says that a modality dominates."
    )
    decay: float = Field(0.98, ge=0, lt=1, description="Decay a step of the signal's average.")
    floor: float = Field(0.05, gt=0, description="Least mean signal that a ratio is formed with.")
    probe: SensitivityProbeSettings = Field(
        default_factory=SensitivityProbeSettings,
        description="Where the change of the features is measured.",
    )

    @model_validator(mode="after")
    def _rates_leave_something_visible(self) -> Self:
        if self.p_min + self.p_max >= 1:
            raise ValueError("p_min + p_max must stay under 1")
        return self
