"""Signals of a dominant modality: how well it is denoised, or its share of the features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from bdgf.diffusion.masking.settings import MaskingSettings


@dataclass(frozen=True)
class Observation:
    """Results of one training step for each modality.

    Attributes:
        losses: Denoising loss of each modality, (M,) float, detached; NaN where a modality was
            hidden throughout the batch.
        feature_shares: Each modality's share of the features, (M,) float; None at a step that did
            not measure it.
    """

    losses: Tensor
    feature_shares: Tensor | None = None


class ImbalanceSignal(Protocol):
    """Measures how well each modality is learnt, or how much it dominates, in [0, 1].

    Attributes:
        needs_features: Whether it wants the features' change at the steps of `probe.every`.
        every: Steps from one measurement to the next.
    """

    needs_features: bool
    every: int

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
    """A signal that is one moving average."""

    needs_features = False
    every = 1

    def __init__(self, start: Tensor, decay: float) -> None:
        self._average, self._decay = start, decay

    def _take(self, seen: Tensor) -> None:
        # What was not measured, or at a step that is skipped, is no news.
        known = torch.where(seen.isfinite(), seen, self._average)
        self._average.lerp_(known, 1 - self._decay)

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
        self._take(observation.losses.to(self._average))

    def value(self) -> Tensor:
        """e_m, clamped to [0, 1]: (M,) float32."""
        return (1 - self._average).clamp(0, 1)


class ModalitySensitivity(_AveragedSignal):
    """s_m: the modality's share of the features' change, one being hidden at a time.

    The shares add up to 1 (`bdgf.diffusion.pretraining.modality_sensitivity`).
    """

    needs_features = True

    def __init__(self, modalities: int, settings: MaskingSettings, device: torch.device) -> None:
        """Starts with equal shares."""
        even = torch.full((modalities,), 1 / modalities, device=device)
        self.every = settings.probe.every
        super().__init__(even, settings.decay**self.every)

    def update(self, observation: Observation) -> None:
        """Moves the average shares at the steps that measured them."""
        if observation.feature_shares is not None:
            self._take(observation.feature_shares.to(self._average))

    def value(self) -> Tensor:
        """s_m in [0, 1]: (M,) float32."""
        return self._average


SIGNALS: dict[str, type[ExplainedNoise] | type[ModalitySensitivity]] = {
    "explained_noise": ExplainedNoise,
    "modality_sensitivity": ModalitySensitivity,
}
