"""Fusion rules: one probability for each class from the branches' probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bdgf.core.errors import SettingsError

FUSION_RULES = ("mean", "confidence", "branch:<name>")


def check_fusion(fusion: str, branches: tuple[str, ...]) -> None:
    """Refuses an unknown rule.

    Raises:
        SettingsError: The rule is not one of `FUSION_RULES`, or names a branch that is not there.
    """
    known = ["mean", "confidence", *(f"branch:{name}" for name in branches)]
    if fusion not in known:
        raise SettingsError(f"unknown fusion rule {fusion!r}; the rules are {', '.join(known)}")


def fuse(logits: Mapping[str, Tensor], fusion: str) -> Tensor:
    """Joins the branches. Chosen by this project, not the paper.

    Args:
        logits: Each branch's logits (B, K).
        fusion: `mean` of the probabilities; `confidence`: their mean weighted, pixel by pixel,
            by each branch's highest probability; `branch:<name>`: that branch's alone.

    Returns:
        Probabilities (B, K) float32.

    Raises:
        SettingsError: There is no such rule.
    """
    check_fusion(fusion, tuple(logits))
    if fusion.startswith("branch:"):
        return logits[fusion.removeprefix("branch:")].float().softmax(1)
    probabilities = torch.stack([branch.float().softmax(1) for branch in logits.values()])
    if fusion == "mean":
        return probabilities.mean(0)
    confidence = probabilities.amax(2, keepdim=True)  # (branches, B, 1)
    return (probabilities * confidence).sum(0) / confidence.sum(0)
