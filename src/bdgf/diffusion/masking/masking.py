"""Adaptive modality masking: which modalities are hidden from the denoiser, and how often.

The paper states that adaptive modality masking balances what the DDPM learns of each modality; what
the rates follow (`imbalance`) and how (`masking_rules`) is chosen here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bdgf.diffusion.masking.rules import RULES, RateRule
from bdgf.diffusion.masking.settings import MaskingSettings
from bdgf.diffusion.masking.signals import SIGNALS, ImbalanceSignal, Observation

log = logging.getLogger(__name__)


class Masking:
    """Draws visibility, and updates the masking rates after each step."""

    def __init__(self, modalities: int, settings: MaskingSettings, device: torch.device) -> None:
        """Starts at the strategy's first rates.

        Args:
            modalities: Number M of modalities.
            settings: Strategy and its parameters.
            device: Where rates and masks live.
        """
        self.modalities, self.settings = modalities, settings
        self._device = device
        if self._is_alone and settings.strategy != "none":
            log.info("there is one modality: masking hides nothing")
        self._signal: ImbalanceSignal = SIGNALS[settings.signal](modalities, settings, device)
        self._rule: RateRule = RULES[settings.rule](modalities, settings, device)

    def rates(self) -> Tensor:
        """The present rate at which each modality is hidden: (M,) float32; 0 of a single one."""
        if self._is_alone:
            return torch.zeros(1, device=self._device)
        if self.settings.strategy == "adaptive":
            return self._rule.rates(self._signal.value())
        rate = self.settings.rate if self.settings.strategy == "fixed" else 0.0
        return torch.full((self.modalities,), rate, device=self._device)

    def wants_features(self, step: int) -> bool:
        """Whether the step with this index (from 0) should measure the features' change."""
        follows = self.settings.strategy == "adaptive" and self._signal.needs_features
        follows &= not self._is_alone
        return follows and step % self.settings.probe.every == 0

    def observe(self, observation: Observation) -> None:
        """Records the results of one step, without waiting for the device."""
        self._signal.update(observation)
        if not self._signal.needs_features or observation.feature_shares is not None:
            self._rule.update(self._signal.value(), self._signal.every)

    @property
    def _is_alone(self) -> bool:
        return self.modalities == 1

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
