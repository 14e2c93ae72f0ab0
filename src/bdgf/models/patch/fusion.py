"""Decision rules: one probability for each class from the branches' probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bdgf.core.errors import SettingsError

DECISIONS = ("mean", "confidence", "branch:<name>")


def check_decision(decision: str, branches: tuple[str, ...]) -> None:
    """Refuses an unknown rule.

    Raises:
        SettingsError: The rule is not one of `DECISIONS`, or names a branch that is not there.
    """
    known = ["mean", "confidence", *(f"branch:{name}" for name in branches)]
    if decision not in known:
        raise SettingsError(f"unknown decision {decision!r}; the rules are {', '.join(known)}")


def decide(logits: Mapping[str, Tensor], decision: str) -> Tensor:
    """Joins the branches. Chosen here; the paper is silent.

    Args:
        logits: Each branch's logits (B, K).
        decision: `mean` of the probabilities; `confidence`: their mean weighted, pixel by pixel,
            by each branch's highest probability; `branch:<name>`: that branch's alone.

    Returns:
        Probabilities (B, K) float32.

    Raises:
        SettingsError: There is no such rule.
    """
    check_decision(decision, tuple(logits))
    if decision.startswith("branch:"):
        return logits[decision.removeprefix("branch:")].float().softmax(1)
    probabilities = torch.stack([branch.float().softmax(1) for branch in logits.values()])
    if decision == "mean":
        return probabilities.mean(0)
    confidence = probabilities.amax(2, keepdim=True)  # (branches, B, 1)
    return (probabilities * confidence).sum(0) / confidence.sum(0)
