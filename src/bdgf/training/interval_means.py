"""Means of scalars over the steps between two records, kept on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class IntervalMeans:
    """Adds up scalars on their device; only `take` waits for it."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._sum: Tensor | None = None
        self._count: Tensor | None = None

    @torch.no_grad()
    def add(self, values: Mapping[str, Tensor]) -> None:
        """Takes one step's scalars, the same names each time; what is not finite is left out."""
        stacked = torch.stack([value.detach().float() for value in values.values()])
        if self._sum is None or self._count is None:
            self._names = list(values)
            self._sum, self._count = torch.zeros_like(stacked), torch.zeros_like(stacked)
        if self._sum.device != stacked.device:  # restored from a checkpoint
            self._sum, self._count = self._sum.to(stacked), self._count.to(stacked)
        finite = stacked.isfinite()
        self._sum += torch.where(finite, stacked, 0.0)
        self._count += finite

    def take(self) -> dict[str, float]:
        """The means since the last call, without those never measured; starts over."""
        if self._sum is None or self._count is None:
            return {}
        means = (self._sum / self._count).tolist()
        self._sum.zero_()
        self._count.zero_()
        return {
            name: value
            for name, value in zip(self._names, means, strict=True)
            if value == value  # not NaN
        }

    def state_dict(self) -> dict[str, Any]:
        """The sums so far, for a running checkpoint."""
        return {"names": list(self._names), "sum": self._sum, "count": self._count}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the sums of a running checkpoint."""
        self._names, self._sum, self._count = list(state["names"]), state["sum"], state["count"]
