"""The group `train`: settings of all patch networks, and of the guided classifier."""

from __future__ import annotations

from itertools import combinations

from pydantic import Field, field_validator

from bdgf.core.settings import MAIN, Settings, searched, searched_among
from bdgf.models.bdgf.branches import BRANCHES, BranchSettings, PyramidSettings
from bdgf.models.bdgf.classical.branch import ClassicalSettings
from bdgf.models.bdgf.guidance import GuideSettings
from bdgf.models.patch.settings import PatchTrainSettings

PAIRING = {
    "cnn": "feature_fusion",
    "mamba": "group_channel_attention",
    "transformer": "cross_attention",
}


def _branch_sets() -> list[list[str]]:
    """All branches, then those without one, then each alone."""
    names = list(BRANCHES)
    sizes = range(len(names), 0, -1)
    return [list(chosen) for size in sizes for chosen in combinations(names, size)]


def _pairings() -> list[dict[str, str]]:
    """The pairing as it is, then turned once, twice and so on."""
    kinds = list(PAIRING.values())
    turned = (kinds[turn:] + kinds[:turn] for turn in range(len(kinds)))
    return [dict(zip(PAIRING, order, strict=True)) for order in turned]


class ClassifierSettings(Settings):
    """The classifier. [stated] branches and kinds of guidance; [chosen] all sizes and pairings."""

    patch: int = Field(
        11,
        ge=1,
        description="Width of the patch around a pixel, odd, in pixels",
        json_schema_extra=MAIN | searched(5, 15, step=2),
    )
    branches: tuple[str, ...] = Field(
        tuple(BRANCHES),
        min_length=1,
        description="Names of the branches",
        json_schema_extra=MAIN | searched_among(*_branch_sets()),
    )
    guides: dict[str, str] = Field(
        PAIRING,
        description="Guide of each branch; a branch that is not listed has none",
        json_schema_extra=MAIN | searched_among(*_pairings()),
    )
    fusion: str = Field(
        "stacked",
        description="Fusion rule: `stacked` (weights that held-out blocks decide, see "
        "`train.decision`), `mean`, `confidence` or `branch:<name>`",
        json_schema_extra=MAIN | searched_among("stacked", "mean", "confidence"),
    )
    modality_width: int = Field(
        32, ge=1, description="Channels of a modality's embedding in a branch's stem"
    )
    pyramid: PyramidSettings = Field(
        PyramidSettings(), description="Settings shared by the branches"
    )
    guide: GuideSettings = Field(GuideSettings(), description="The guides")
    branch: BranchSettings = Field(BranchSettings(), description="Settings of single branches")
    classical: ClassicalSettings = Field(ClassicalSettings(), description="The classical branch")

    @field_validator("patch")
    @classmethod
    def _odd(cls, patch: int) -> int:
        if patch % 2 == 0:
            raise ValueError(f"a patch has a centre pixel only when its width is odd, not {patch}")
        return patch


class TrainSettings(PatchTrainSettings):
    """Training of the classifier. Chosen by this project, not the paper.

    An epoch is a fixed number of batches, not a pass over the pixels, so that every scene gets the
    same number of steps however many labels it has.
    """

    classifier: ClassifierSettings = Field(ClassifierSettings(), description="The network")

    @property
    def patch(self) -> int:
        """Width of the patch around a pixel, which the baselines take too."""
        return self.classifier.patch
