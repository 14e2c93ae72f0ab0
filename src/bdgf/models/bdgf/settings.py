"""The group `train`: what all patch networks share, and the guided classifier's own."""

from __future__ import annotations

from pydantic import Field

from bdgf.models.bdgf.classifier import ClassifierSettings
from bdgf.models.patch.settings import PatchTrainSettings


class TrainSettings(PatchTrainSettings):
    """Training of the classifier. Chosen here; the paper is silent.

    An epoch is a fixed number of batches, not a pass over the pixels, so that every scene gets the
    same number of steps however many labels it has.
    """

    classifier: ClassifierSettings = Field(ClassifierSettings(), description="The network")

    @property
    def patch(self) -> int:
        """Width of the patch around a pixel, which the baselines take too."""
        return self.classifier.patch
