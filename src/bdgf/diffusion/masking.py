"""Adaptive modality masking: which modalities the denoiser does not see, and how often.

The paper states that adaptive modality masking balances what the DDPM learns of each modality; the
rule is chosen here (on-the-fly gradient modulation of Peng et al., CVPR 2022, moved to inputs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from bdgf.diffusion.feature_change import FeatureProbeSettings
from bdgf.settings_model import Settings


class MaskingSettings(Settings):
    """How modalities are hidden in pretraining. Chosen here, but for masking being adaptive."""

    strategy: Literal["none", "fixed", "adaptive"] = Field(
        "adaptive", description="`none`, one rate for all (`fixed`), or rates that follow learning."
    )
    granularity: Literal["tile", "block"] = Field(
        "tile", description="Hide a modality in the whole tile, or block by block."
    )
    block: int = Field(8, ge=1, description="Side of a block in pixels (granularity `block`).")
    rate: float = Field(0.25, ge=0, lt=1, description="Rate of every modality (`fixed`).")
    p_min: float = Field(0.05, ge=0, lt=1, description="Lowest rate (`adaptive`).")
    p_max: float = Field(0.5, ge=0, lt=1, description="What learning best adds to the rate.")
    alpha: float = Field(1.0, gt=0, description="How sharply the rate answers to imbalance.")
    signal: Literal["explained_noise", "feature_change"] = Field(
        "explained_noise", description="What says that a modality dominates."
    )
    decay: float = Field(0.98, ge=0, lt=1, description="Decay a step of the signal's average.")
    floor: float = Field(
        0.05, gt=0, description="Least mean signal of the others that a ratio is formed with."
    )
    probe: FeatureProbeSettings = Field(
        default_factory=FeatureProbeSettings,
        description="Where the change of the features is measured.",
    )

    @model_validator(mode="after")
    def _rates_leave_something_visible(self) -> Self:
        if self.p_min + self.p_max >= 1:
            raise ValueError("p_min + p_max must stay under 1")
        return self


@dataclass(frozen=True)
class Observation:
    """What one training step tells of the modalities.

    Attributes:
        losses: Denoising loss of each modality, (M,) float, detached; NaN where a modality was
            hidden throughout the batch.
        feature_shares: Each modality's share of the features, (M,) float; None at a step that did
            not measure it.
    """

    losses: Tensor
    feature_shares: Tensor | None = None


class DominanceSignal(Protocol):
    """Measures how well each modality is learnt, or how much it dominates, in [0, 1].

    Attributes:
        needs_features: Whether it wants the features' change at the steps of `probe.every`.
    """

    needs_features: bool

    def update(self, observation: Observation) -> None:
        """Takes in one step."""
        ...

    def value(self) -> Tensor:
        """The present measure, (M,) float32."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The state, for a running checkpoint."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from a running checkpoint."""
        ...


class _AveragedSignal:
    """A signal that is one moving average.

    Attributes:
        needs_features: Whether it wants the features' change at the steps of `probe.every`.
    """

    needs_features = False

    def __init__(self, start: Tensor, decay: float) -> None:
        self._average, self._decay = start, decay

    def _take(self, seen: Tensor) -> None:
        self._average.lerp_(seen, 1 - self._decay)

    def state_dict(self) -> dict[str, Any]:
        """The average."""
        return {"average": self._average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from an average."""
        self._average.copy_(state["average"])


class ExplainedNoise(_AveragedSignal):
    """e_m = 1 - EMA(L_m): a target of unit variance that is not explained at all has loss 1."""

    def __init__(self, modalities: int, settings: MaskingSettings, device: torch.device) -> None:
        """Starts with nothing explained."""
        super().__init__(torch.ones(modalities, device=device), settings.decay)

    def update(self, observation: Observation) -> None:
        """Moves the average loss of the modalities that were visible."""
        losses = observation.losses.to(self._average)
        self._take(torch.where(losses.isnan(), self._average, losses))

    def value(self) -> Tensor:
        """e_m, clamped to [0, 1]: (M,) float32."""
        return (1 - self._average).clamp(0, 1)


class FeatureChange(_AveragedSignal):
    """s_m: the modality's share of the features' change, one being hidden at a time.

    The shares add up to 1 (`bdgf.diffusion.feature_change`).
    """

    needs_features = True

    def __init__(self, modalities: int, settings: MaskingSettings, device: torch.device) -> None:
        """Starts with equal shares."""
        even = torch.full((modalities,), 1 / modalities, device=device)
        super().__init__(even, settings.decay**settings.probe.every)

    def update(self, observation: Observation) -> None:
        """Moves the average shares at the steps that measured them."""
        if observation.feature_shares is not None:
            self._take(observation.feature_shares.to(self._average))

    def value(self) -> Tensor:
        """s_m in [0, 1]: (M,) float32."""
        return self._average


SIGNALS: dict[str, type[ExplainedNoise] | type[FeatureChange]] = {
    "explained_noise": ExplainedNoise,
    "feature_change": FeatureChange,
}


def adaptive_rates(dominance: Tensor, settings: MaskingSettings) -> Tensor:
    """p_m = p_max tanh(alpha max(rho_m - 1, 0)) + p_min, rho_m = e_m / mean of the others' e.

    Args:
        dominance: e_m, (M,) float in [0, 1].
        settings: p_min, p_max, alpha, floor.

    Returns:
        Masking rates, (M,).
    """
    others = (dominance.sum() - dominance) / max(len(dominance) - 1, 1)
    rho = dominance / others.clamp(min=settings.floor)
    return settings.p_max * torch.tanh(settings.alpha * (rho - 1).clamp(min=0)) + settings.p_min


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

    def rates(self) -> Tensor:
        """The present rate at which each modality is hidden: (M,) float32."""
        if self.settings.strategy == "adaptive":
            return adaptive_rates(self._signal.value(), self.settings)
        rate = self.settings.rate if self.settings.strategy == "fixed" else 0.0
        return torch.full((self.modalities,), rate, device=self._device)

    def wants_features(self, step: int) -> bool:
        """Whether the step with this index (from 0) should measure the features' change."""
        follows = self.settings.strategy == "adaptive" and self._signal.needs_features
        return follows and step % self.settings.probe.every == 0

    def observe(self, observation: Observation) -> None:
        """Takes in what one step showed, without waiting for the device."""
        self._signal.update(observation)

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
        """The signal's state, for a running checkpoint."""
        return self._signal.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from a running checkpoint."""
        self._signal.load_state_dict(state)


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
