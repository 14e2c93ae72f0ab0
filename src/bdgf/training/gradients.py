"""The gradients of a step: their norms, and the optimiser's step that a bad one leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class Gradients:
    """The gradients before an optimiser step.

    Nothing here waits for the device: whether a step is taken is decided there, by the flag that
    PyTorch's fused optimisers have for gradients under loss scaling.

    Attributes:
        names: The parameters that have a gradient, as of the last `norms`.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Takes model and optimiser as Fabric set them up, or plain."""
        self.optimizer = optimizer
        self._fused: Any = getattr(optimizer, "optimizer", optimizer)
        module = getattr(model, "module", model)
        known = {id(parameter): name for name, parameter in module.named_parameters()}
        self._trained = [p for group in optimizer.param_groups for p in group["params"]]
        self._all = [known.get(id(parameter), "") for parameter in self._trained]
        self.names: Sequence[str] = self._all
        self._present: list[int] = []

    @torch.no_grad()
    def norms(self) -> tuple[Tensor, Tensor]:
        """(P,) norms of the gradients in float32 or wider, and the norm of them together.

        Where no parameter has a gradient there is one norm, 0.
        """
        present = [i for i, p in enumerate(self._trained) if p.grad is not None]
        if present != self._present:
            self._present, self.names = present, [self._all[i] for i in present]
        found = [self._trained[i].grad for i in present]
        if not found:
            return self._trained[0].new_zeros(1), self._trained[0].new_zeros(())
        norms = torch.stack(torch._foreach_norm(found, 2.0, dtype=_wide(found)))
        return norms, torch.linalg.vector_norm(norms)

    def step(self, rate: float, norm: Tensor, clip_norm: float, skipped: Tensor) -> None:
        """Clips the gradients, runs the optimiser step, and clears the gradients.

        Args:
            rate: The learning rate.
            norm: The norm of all gradients, from `norms`.
            clip_norm: What it is to be at most.
            skipped: Scalar float32: 1 leaves weights and the optimiser's state as they are.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        nn.utils.clip_grads_with_norm_(self._trained, clip_norm, norm)
        self._fused.found_inf = skipped
        self.optimizer.step()
        self.optimizer.zero_grad()


def running_statistics(model: nn.Module) -> list[Tensor]:
    """The means and variances that a network's forward pass keeps of what it saw."""
    kept = [
        (layer.running_mean, layer.running_var)
        for layer in model.modules()
        if isinstance(layer, _BatchNorm)
    ]
    return [tensor for pair in kept for tensor in pair if tensor is not None]


def _wide(tensors: Sequence[Tensor | None]) -> torch.dtype | None:
    # A norm is a sum of squares: not in half precision. None leaves float32 and float64 as is.
    narrow = {torch.bfloat16, torch.float16}
    return torch.float32 if any(t is not None and t.dtype in narrow for t in tensors) else None
