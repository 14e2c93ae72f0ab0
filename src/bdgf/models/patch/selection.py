"""Selection of the epoch whose weights are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from bdgf.core.settings import Settings


class SelectionSettings(Settings):
    """Choice of the epoch, on validation pixels only. Chosen by this project, not the paper."""

    rule: Literal["best", "last"] = Field(
        "last", description="`best`: lowest smoothed validation loss; `last`: no selection"
    )
    window: int = Field(
        3, ge=1, description="Number of evaluations to average the validation loss over"
    )
    use_validation: bool = Field(
        True,
        description="Also train on the validation pixels: with `last` from the start; with "
        "`best` in a second training of the selected number of epochs",
    )

    @property
    def validates(self) -> bool:
        """Whether anything is measured on the validation pixels."""
        return self.rule == "best" or not self.use_validation


class EpochSelection:
    """Keeps the weights of the evaluation whose validation loss, smoothed, is lowest.

    With a few dozen validation pixels the accuracy moves in steps of percents and many epochs tie,
    so the cross-entropy decides, averaged over the last evaluations; a tie goes to the later epoch.

    Attributes:
        losses: The validation loss of every evaluation so far.
        epoch: The chosen epoch, 0 before the first evaluation.
        score: Its smoothed validation loss.
        tensors: Its weights, on the CPU.
    """

    def __init__(self, settings: SelectionSettings) -> None:
        self.settings = settings
        self.losses: list[float] = []
        self.epoch = 0
        self.score = float("inf")
        self.tensors: dict[str, Tensor] = {}

    def consider(self, epoch: int, loss: float | None, tensors: Mapping[str, Tensor]) -> None:
        """Takes an evaluation in and keeps its weights if they are the best so far.

        Args:
            epoch: Epochs done.
            loss: The validation loss; None where nothing validates: the latest is kept.
            tensors: The weights that it was measured with; copied when they are kept.
        """
        if loss is not None:
            self.losses.append(loss)
            recent = self.losses[-self.settings.window :]
            score = sum(recent) / len(recent)
            if self.settings.rule == "best" and score > self.score:
                return
            self.score = score
        self.epoch = epoch
        self.tensors = {name: t.detach().cpu().clone() for name, t in tensors.items()}

    def state_dict(self) -> dict[str, Any]:
        """The choice so far, for a running checkpoint."""
        return {
            "losses": list(self.losses),
            "epoch": self.epoch,
            "score": self.score,
            "tensors": dict(self.tensors),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from a running checkpoint."""
        self.losses, self.epoch = list(state["losses"]), int(state["epoch"])
        self.score, self.tensors = float(state["score"]), dict(state["tensors"])
