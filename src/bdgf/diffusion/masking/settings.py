"""Settings of masking, in a separate module because signals and rules read them too."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from bdgf.core.settings import MAIN, Settings, searched


class SensitivityProbeSettings(Settings):
    """How the change of the features is measured. Chosen by this project."""

    every: int = Field(20, ge=1, description="Steps between two measurements.")
    tiles: int = Field(
        4, ge=1, description="Number of held-out tiles, limited by how many there are."
    )
    timesteps: tuple[int, ...] = Field(
        (50, 100, 200), min_length=1, description="Diffusion steps t, as for the features."
    )


class MaskingSettings(Settings):
    """How modalities are hidden in pretraining. The paper states that masking is adaptive.

    It is off: on three scenes that no result reports it lost accuracy, and a modality that is
    missing later needs none (docs/notebook/2026-11-28-missing-modality.md).
    """

    strategy: Literal["none", "fixed", "adaptive"] = Field(
        "none",
        description="`none`, one constant rate (`fixed`), or rates that adapt to training "
        "(`adaptive`, as the paper states).",
        json_schema_extra=MAIN | searched(),
    )
    granularity: Literal["tile", "block"] = Field(
        "tile", description="Hide a modality in the whole tile, or block by block."
    )
    block: int = Field(8, ge=1, description="Side of a block in pixels (granularity `block`).")
    rate: float = Field(0.25, ge=0, lt=1, description="Masking rate of every modality (`fixed`).")
    p_min: float = Field(0.05, ge=0, lt=1, description="Lowest masking rate (`adaptive`).")
    p_max: float = Field(0.5, ge=0, lt=1, description="Largest increase of the rate by imbalance.")
    rule: Literal["ratio", "equalise"] = Field(
        "ratio",
        description="`ratio` sets rates from the current imbalance; `equalise` adjusts "
        "them until it is gone.",
    )
    alpha: float = Field(
        1.0, gt=0, description="How strongly the rate responds to imbalance (rule `ratio`)."
    )
    gain: float = Field(0.015, gt=0, description="Change of the rates per step (rule `equalise`).")
    signal: Literal["explained_noise", "modality_sensitivity"] = Field(
        "explained_noise", description="Signal that measures which modality dominates."
    )
    decay: float = Field(
        0.98, ge=0, lt=1, description="Decay per step of the signal's moving average."
    )
    floor: float = Field(0.05, gt=0, description="Lower bound of the mean signal in a ratio.")
    probe: SensitivityProbeSettings = Field(
        default_factory=SensitivityProbeSettings,
        description="Where the change of the features is measured.",
    )

    @model_validator(mode="after")
    def _rates_leave_something_visible(self) -> Self:
        if self.p_min + self.p_max >= 1:
            raise ValueError("p_min + p_max must stay under 1")
        return self
