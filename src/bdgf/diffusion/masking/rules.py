"""How masking rates respond to imbalance. This project chose both rules, not the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from bdgf.diffusion.masking.settings import MaskingSettings


class RateRule(Protocol):
    """Turns the imbalance e_m of each modality, in [0, 1], into masking rates."""

    def update(self, imbalance: Tensor, steps: int) -> None:
        """Takes in a measurement, (M,) float, `steps` training steps after the last one."""
        ...

    def rates(self, imbalance: Tensor) -> Tensor:
        """The rates at the present imbalance: (M,) float32."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The state, for a running checkpoint."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from a running checkpoint."""
        ...


class Ratio:
    """Rates that follow from the present imbalance alone (`ratio_rates`)."""

    def __init__(self, modalities: int, settings: MaskingSettings, device: torch.device) -> None:
        """Keeps the settings; there is no state."""
        self._settings = settings

    def update(self, imbalance: Tensor, steps: int) -> None:
        """Does nothing."""

    def rates(self, imbalance: Tensor) -> Tensor:
        """(M,) float32."""
        return ratio_rates(imbalance, self._settings)

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Does nothing."""


class Equalise:
    """Rates that keep moving until no modality dominates (`moved_visibility`)."""

    def __init__(self, modalities: int, settings: MaskingSettings, device: torch.device) -> None:
        """Starts at the lowest rates."""
        self._settings = settings
        self._visible = torch.full((modalities,), 1 - settings.p_min, device=device)

    def update(self, imbalance: Tensor, steps: int) -> None:
        """Moves the rates."""
        self._visible = moved_visibility(self._visible, imbalance, steps, self._settings)

    def rates(self, imbalance: Tensor) -> Tensor:
        """(M,) float32."""
        return 1 - self._visible

    def state_dict(self) -> dict[str, Any]:
        """The rates at which modalities are visible."""
        return {"visible": self._visible}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from such rates."""
        self._visible = state["visible"].to(self._visible)


RULES: dict[str, type[Ratio] | type[Equalise]] = {"ratio": Ratio, "equalise": Equalise}


def ratio_rates(imbalance: Tensor, settings: MaskingSettings) -> Tensor:
    """p_m = p_max tanh(alpha max(rho_m - 1, 0)) + p_min, rho_m = e_m / mean of the others' e.

    On-the-fly gradient modulation (Peng et al., CVPR 2022) moved from gradients to inputs.

    Args:
        imbalance: e_m, (M,) float in [0, 1].
        settings: p_min, p_max, alpha, floor.

    Returns:
        Masking rates, (M,).
    """
    others = (imbalance.sum() - imbalance) / max(len(imbalance) - 1, 1)
    rho = imbalance / others.clamp(min=settings.floor)
    return settings.p_max * torch.tanh(settings.alpha * (rho - 1).clamp(min=0)) + settings.p_min


def moved_visibility(
    visible: Tensor, imbalance: Tensor, steps: int, settings: MaskingSettings
) -> Tensor:
    """q_m <- q_m (M s_m)^(-gain * steps), s_m = e_m / sum of all e, q_m = 1 - p_m the visible rate.

    The rates rest where all shares are equal, or where they meet a bound.

    Args:
        visible: Present q_m, (M,) float.
        imbalance: e_m, (M,) float in [0, 1].
        steps: Training steps since the last update.
        settings: gain, floor; p_min and p_min + p_max bound the masking rate.

    Returns:
        The next q_m, (M,).
    """
    # In units of the mean; a modality of which nothing is learnt yet has no logarithm.
    relative = imbalance / imbalance.mean().clamp(min=settings.floor)
    moved = visible * relative.clamp(min=settings.floor) ** (-settings.gain * steps)
    return moved.clamp(1 - settings.p_min - settings.p_max, 1 - settings.p_min)
