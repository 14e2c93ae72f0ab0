"""The optimiser, the learning rate over the steps, and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from pydantic import Field
from torch import nn

from bdgf.core.settings import MAIN, Settings, searched


class OptimizationSettings(Settings):
    """AdamW with a linear warm-up and a cosine decay. Chosen by this project, not the paper."""

    learning_rate: float = Field(
        1e-3,
        gt=0,
        description="Peak learning rate.",
        json_schema_extra=MAIN | searched(1e-4, 1e-2, log=True),
    )
    warmup_steps: int = Field(50, ge=0, description="Steps of linear warm-up.")
    final_rate: float = Field(
        0.02, ge=0, le=1, description="Final learning rate, as a share of the peak."
    )
    weight_decay: float = Field(
        0.01, ge=0, description="Decoupled weight decay of weight matrices."
    )
    clip_norm: float = Field(1.0, gt=0, description="Maximum norm of the whole gradient.")
    skipped_steps: int = Field(
        10,
        ge=0,
        description="Maximum number of steps that are skipped because their loss or "
        "gradient is NaN or infinite; one more ends the training.",
    )


def learning_rate_at(step: int, steps: int, settings: OptimizationSettings) -> float:
    """The learning rate of step `step` (from 0) of `steps`: linear warm-up, then cosine decay."""
    warmup = min(settings.warmup_steps, steps - 1)
    if step < warmup:
        return settings.learning_rate * (step + 1) / (warmup + 1)
    done = (step - warmup) / max(steps - warmup, 1)
    cosine = 0.5 * (1 + math.cos(math.pi * done))
    return settings.learning_rate * (settings.final_rate + (1 - settings.final_rate) * cosine)


def make_optimizer(model: nn.Module, settings: OptimizationSettings) -> torch.optim.AdamW:
    """Fused AdamW; vectors, and what is marked so, are not decayed.

    Args:
        model: What is trained, already on its device.
        settings: Learning rate and weight decay.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    # The mark is mamba_ssm's: its state matrices are no linear maps to be kept small.
    decayed = [p for p in trained if p.ndim > 1 and not getattr(p, "_no_weight_decay", False)]
    kept = {id(p) for p in decayed}
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if id(p) not in kept], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=settings.learning_rate, fused=True
    )


class ExponentialAverage:
    """Exponential moving average of a model's floating-point weights and buffers.

    The decay of step t is min(decay, (1 + t) / (10 + t)), so that a short training is not
    averaged with its initial weights.

    Attributes:
        decay: Highest decay a step.
        tensors: The averages, by the names of the model's state.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Starts from the model's present weights."""
        self.decay = decay
        self.tensors = {name: t.detach().clone() for name, t in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Adds the weights after step `step` (from 0)."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        state = model.state_dict()
        moving = [name for name, t in self.tensors.items() if t.is_floating_point()]
        torch._foreach_lerp_(
            [self.tensors[name] for name in moving], [state[name] for name in moving], weight
        )
        for name in self.tensors.keys() - set(moving):  # counters are copied
            self.tensors[name].copy_(state[name])

    def state_dict(self) -> dict[str, Any]:
        """The averages, for a running checkpoint."""
        return dict(self.tensors)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the averages of a running checkpoint."""
        for name, tensor in self.tensors.items():
            tensor.copy_(state[name])
