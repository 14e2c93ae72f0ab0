"""Training settings shared by all patch networks."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bdgf.core.settings import MAIN, Settings, searched, searched_among
from bdgf.models.patch.augmentation import AugmentationSettings
from bdgf.models.patch.decision import DecisionSettings
from bdgf.models.patch.mutual_learning import MutualLearningSettings
from bdgf.models.patch.sampling import ClassWeights
from bdgf.models.patch.selection import SelectionSettings
from bdgf.training.optimizer import OptimizationSettings


class PatchTrainSettings(Settings):
    """Training of a patch network. Chosen by this project, not the paper.

    An epoch is a fixed number of batches, not a pass over the pixels, so that every scene gets the
    same number of steps however many labels it has.
    """

    epochs: int = Field(
        12, ge=1, description="Number of epochs", json_schema_extra=MAIN | searched(4, 30)
    )
    batches_per_epoch: int = Field(25, ge=1, description="Batches in an epoch")
    batch_size: int = Field(
        64,
        ge=2,
        description="Pixels in a batch, on each device",
        json_schema_extra=MAIN | searched_among(16, 32, 64, 128),
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Share of the target spread over all classes"
    )
    class_weights: ClassWeights = Field(
        "sqrt",
        description="Weights of the classes in the loss: `none`, `balanced` (inverse "
        "frequency) or `sqrt` (inverse square root of the frequency)",
    )
    ema_decay: float = Field(
        0.98,
        ge=0,
        lt=1,
        description="Decay per step of the weights' moving average; 0 disables averaging",
    )
    validate_every: int = Field(1, ge=1, description="Epochs between two validations")
    validation_pixels: int = Field(
        2000, ge=1, description="Maximum number of validation pixels, drawn once"
    )
    checkpoint_seconds: float = Field(
        60, ge=0, description="Minimum time in seconds between two checkpoints"
    )
    decision: DecisionSettings = Field(
        DecisionSettings(), description="How held-out blocks weigh the branches"
    )
    selection: SelectionSettings = Field(SelectionSettings(), description="Selection of the epoch")
    augmentation: AugmentationSettings = Field(AugmentationSettings(), description="Augmentation")
    mutual_learning: MutualLearningSettings = Field(
        MutualLearningSettings(), description="Mutual learning"
    )
    optimization: OptimizationSettings = Field(OptimizationSettings(), description="Optimiser")

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.batches_per_epoch

    def decisive(self) -> dict[str, Any]:
        """What decides the weights, as JSON: when checkpoints are written does not."""
        return self.model_dump(
            mode="json", exclude={"checkpoint_seconds": True, "optimization": {"skipped_steps"}}
        )

    @property
    def patch(self) -> int:
        """Width of the patch around a pixel, odd, in pixels; where it is set is the method's."""
        raise NotImplementedError
