"""Adaptive modality masking: which modalities the denoiser does not see, and how often.

The paper states that adaptive modality masking balances what the DDPM learns of each modality; what
the rates follow (`dominance`) and how (`masking_rules`) is chosen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from bdgf.core.settings import MAIN, Settings
from bdgf.diffusion.masking.modality_sensitivity import FeatureProbeSettings
from bdgf.diffusion.masking.rules import RULES, RateRule
from bdgf.diffusion.masking.signals import SIGNALS, DominanceSignal, Observation


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
    p_max: float = Field(0.5, ge=0, lt=1, description="What dominance can add to the rate.")
    rule: Literal["ratio", "equalise"] = Field(
        "ratio",
        description="Rates answer to the present imbalance, or move until there is none.",
    )
    alpha: float = Field(1.0, gt=0, description="How sharply the rate answers (rule `ratio`).")
    gain: float = Field(0.015, gt=0, description="How fast rates move a step (rule `equalise`).")
    signal: Literal["explained_noise", "feature_change"] = Field(
        "explained_noise", description="What says that a modality dominates."
    )
    decay: float = Field(0.98, ge=0, lt=1, description="Decay a step of the signal's average.")
    floor: float = Field(0.05, gt=0, description="Least mean signal that a ratio is formed with.")
    probe: FeatureProbeSettings = Field(
        default_factory=FeatureProbeSettings,
        description="Where the change of the features is measured.",
    )

    @model_validator(mode="after")
    def _rates_leave_something_visible(self) -> Self:
        if self.p_min + self.p_max >= 1:
            raise ValueError("p_min + p_max must stay under 1")
        return self


class Masking:
    """Draws visibility, and learns from each step what to hide more often."""

    def __init__(self, modalities: int, settings: MaskingSettings, device: torch.device) -> None:
        """Starts at the strategy's first rates.

        Args:
            modalities: Number M of modalities.
            settings: Strategy and its parameters.
            device: Where rates and masks live.
        """
        self.modalities, self.settings = modalities, settings
        self._device = device
        self._signal: DominanceSignal = SIGNALS[settings.signal](modalities, settings, device)
        self._rule: RateRule = RULES[settings.rule](modalities, settings, device)

    def rates(self) -> Tensor:
        """The present rate at which each modality is hidden: (M,) float32."""
        if self.settings.strategy == "adaptive":
            return self._rule.rates(self._signal.value())
        rate = self.settings.rate if self.settings.strategy == "fixed" else 0.0
        return torch.full((self.modalities,), rate, device=self._device)

    def wants_features(self, step: int) -> bool:
        """Whether the step with this index (from 0) should measure the features' change."""
        follows = self.settings.strategy == "adaptive" and self._signal.needs_features
        return follows and step % self.settings.probe.every == 0

    def observe(self, observation: Observation) -> None:
        """Takes in what one step showed, without waiting for the device."""
        self._signal.update(observation)
        if not self._signal.needs_features or observation.feature_shares is not None:
            self._rule.update(self._signal.value(), self._signal.every)

    def draw(self, batch: int, tile: int, generator: torch.Generator) -> Tensor:
        """Draws where each modality is visible.

        Args:
            batch: Number of tiles B.
            tile: Their side in pixels.
            generator: Random generator on the device.

        Returns:
            (B, M, tile, tile) float32, 1 visible and 0 hidden; at every position at least one
            modality is visible.
        """
        side = tile if self.settings.granularity == "tile" else self.settings.block
        cells = -(-tile // side)
        visible = draw_visibility(self.rates(), (batch, cells, cells), generator)
        planes = visible.repeat_interleave(side, 2).repeat_interleave(side, 3)
        return planes[:, :, :tile, :tile]

    def state_dict(self) -> dict[str, Any]:
        """Signal and rates, for a running checkpoint."""
        return {"signal": self._signal.state_dict(), "rule": self._rule.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from a running checkpoint."""
        self._signal.load_state_dict(state["signal"])
        self._rule.load_state_dict(state["rule"])


def draw_visibility(
    rates: Tensor, shape: tuple[int, int, int], generator: torch.Generator
) -> Tensor:
    """Hides modalities independently at their rates, but never all of them in one cell.

    Where a draw hides all, one modality drawn uniformly is shown.

    Args:
        rates: Rate of each modality, (M,) in [0, 1).
        shape: (B, rows, columns) of cells.
        generator: Random generator on the device of `rates`.

    Returns:
        (B, M, rows, columns) float32, 1 visible and 0 hidden.
    """
    batch, rows, columns = shape
    device = rates.device
    u = torch.rand(batch, len(rates), rows, columns, generator=generator, device=device)
    hidden = u < rates.view(1, -1, 1, 1)
    # Drawn at every cell, so that the generator moves alike whatever was hidden.
    shown = torch.randint(len(rates), (batch, 1, rows, columns), generator=generator, device=device)
    rescue = torch.zeros_like(hidden).scatter_(1, shown, True)
    hidden &= ~(hidden.all(dim=1, keepdim=True) & rescue)
    return (~hidden).float()
