"""Fusion rules: one probability for each class from the branches' probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bdgf.core.errors import SettingsError

STACKED = "stacked"
"""The rule whose weights held-out blocks decide (`bdgf.models.patch.decision`)."""


def check_fusion(fusion: str, branches: tuple[str, ...], *, stacked: bool = False) -> None:
    """Refuses an unknown rule.

    Args:
        fusion: The rule.
        branches: The branches' names.
        stacked: Whether their weights can be decided.

    Raises:
        SettingsError: The rule is none of those of `fuse`, or names a branch that is not there.
    """
    known = [*([STACKED] * stacked), "mean", "confidence", *(f"branch:{name}" for name in branches)]
    if fusion not in known:
        raise SettingsError(f"unknown fusion rule {fusion!r}; the rules are {', '.join(known)}")


def fuse(
    logits: Mapping[str, Tensor],
    fusion: str,
    decision: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Joins the branches. Chosen by this project, not the paper.

    Args:
        logits: Each branch's logits (B, K).
        fusion: `stacked`: by weights and a temperature that held-out blocks decided; `mean` of the
            probabilities; `confidence`: their mean weighted, pixel by pixel, by each branch's
            highest probability; `branch:<name>`: that branch's alone.
        decision: What `stacked` joins probabilities (branches, B, K) by.

    Returns:
        Probabilities (B, K) float32.

    Raises:
        SettingsError: There is no such rule.
    """
    check_fusion(fusion, tuple(logits), stacked=decision is not None)
    if fusion.startswith("branch:"):
        return logits[fusion.removeprefix("branch:")].float().softmax(1)
    probabilities = torch.stack([branch.float().softmax(1) for branch in logits.values()])
    if fusion == STACKED and decision is not None:
        return decision(probabilities)
    if fusion == "mean":
        return probabilities.mean(0)
    confidence = probabilities.amax(2, keepdim=True)  # (branches, B, 1)
    return (probabilities * confidence).sum(0) / confidence.sum(0)
