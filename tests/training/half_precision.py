"""Which reductions give a result in half precision."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from bdgf.training.devices import DeviceSettings

MIXED = DeviceSettings(accelerator="cpu", precision="bf16-mixed")

_REDUCTIONS = {"sum", "mean", "var", "var_mean", "std", "linalg_vector_norm", "prod", "logsumexp"}
_REDUCTIONS |= {"_log_softmax", "nll_loss_forward", "mse_loss", "cumsum", "_foreach_norm"}


class HalfReductions(TorchDispatchMode):
    """Notes the reductions to half precision of a forward pass.

    A layer's normalisation keeps its statistics in float32 whatever it gives; the backward pass is
    autograd's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.halves = 0

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        half = isinstance(made, Tensor) and made.dtype == torch.bfloat16
        self.halves += half
        name = func._schema.name.removeprefix("aten::")  # type: ignore[attr-defined]
        forward = torch._C._current_graph_task_id() == -1
        if half and forward and name in _REDUCTIONS:
            self.found.append(name)
        return made
