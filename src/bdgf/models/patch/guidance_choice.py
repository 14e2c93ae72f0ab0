"""Whether diffusion features guide the branches: the choice, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GuidanceChoice:
    """Whether diffusion features guide, by what held-out blocks say.

    With one standard error, the smaller network is taken unless the larger one is better by more
    than chance (Breiman et al., Classification and Regression Trees, 1984).

    Attributes:
        guided: Cross-entropy of the decision with guidance.
        unguided: That without.
        error: Standard error of their difference over the held-out blocks.
        errors: How many of these guidance must gain.
        matched: Whether the held-out pixels are weighed by the map's distances.
    """

    guided: float
    unguided: float
    error: float = 0.0
    errors: float = 0.0
    matched: bool = False

    @property
    def kept(self) -> bool:
        """Whether they guide."""
        return self.unguided - self.guided >= self.errors * self.error

    def record(self) -> dict[str, Any]:
        """What is told of it, JSON-serialisable."""
        return {
            "kept": self.kept,
            "held_out_loss": {"guided": self.guided, "unguided": self.unguided},
            "standard_error": self.error,
            "standard_errors_asked": self.errors,
            "matched": self.matched,
        }


def guidance_told(guidance: Mapping[str, Any] | None) -> str:
    """Whether features guide and why, to be put behind a line; empty where nothing was asked."""
    if guidance is None:
        return ""
    losses = guidance["held_out_loss"]
    told = (
        f"; diffusion features {'guide' if guidance['kept'] else 'do not guide'}: cross-entropy "
        f"{losses['guided']:.3f} with them, {losses['unguided']:.3f} without"
    )
    error = guidance.get("standard_error")  # models of before have none
    if error is not None:
        told += f", standard error of the difference {error:.3f}"
    return told + (", at the map's distances" if guidance.get("matched") else "")
