"""The group `split`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bdgf.core.errors import SettingsError
from bdgf.core.settings import MAIN, Settings
from bdgf.splits.validation_groups import ValidationSettings

SplitName = Literal[
    "auto",
    "official",
    "per_class",
    "fraction",
    "spatial_blocks",
    "training_blocks",
    "outside_test",
    "polygons",
    "tiles",
    "distance",
]

BUFFERED = ("spatial_blocks", "training_blocks", "outside_test", "tiles", "polygons")
"""The rules that leave a buffer between training and test pixels."""


class SplitSettings(Settings):
    """Settings of the split. This project chose the names and sizes."""

    name: SplitName = Field(
        "auto",
        description="How training and test pixels are chosen; `auto`: `official` if the "
        "scene has official maps, else `per_class`.",
        json_schema_extra=MAIN,
    )
    per_class: int = Field(
        20,
        ge=1,
        description="`per_class`, `distance`: training pixels of each class, at most half of the "
        "class.",
        json_schema_extra=MAIN,
    )
    fraction: float = Field(
        0.05, gt=0, lt=1, description="`fraction`: share of each class used for training."
    )
    block: int = Field(
        24,
        ge=2,
        description="`spatial_blocks`, `training_blocks`, `distance`: side of a block in pixels.",
    )
    train_share: float = Field(
        0.3,
        gt=0,
        lt=1,
        description="`spatial_blocks`, `tiles`: share of the blocks or tiles used for "
        "training; `polygons`: share of each class's polygons; `distance`: of the blocks, share "
        "that at least does not test.",
    )
    buffer: int | None = Field(
        None,
        ge=0,
        description="`spatial_blocks`, `training_blocks`, `outside_test`, `tiles`, `polygons`: "
        "pixels between training and test; null: the patch radius, for `polygons` none.",
    )
    folds: int = Field(
        5, ge=2, description="`training_blocks`: number of parts; one part tests, the others train."
    )
    distance: int = Field(
        0,
        ge=0,
        description="`distance`: least distance in pixels of training from test pixels; the "
        "nearest ones from there on train, and test pixels stay the same.",
    )
    farthest: int = Field(
        32,
        ge=1,
        description="`distance`: the greatest distance that is compared; test pixels are chosen so "
        "that every class can train there.",
    )
    samples_per_class: int | None = Field(
        None,
        ge=1,
        description="Maximum number of training pixels of each class, for any split; null: all.",
    )
    validation: ValidationSettings = Field(
        default_factory=ValidationSettings,
        description="How validation pixels are taken from the training pixels.",
    )

    def buffer_for(self, patch_radius: int) -> int:
        """Pixels between training and test pixels, for patches of a radius.

        Raises:
            SettingsError: They are fewer than the patch radius.
        """
        buffer = patch_radius if self.buffer is None else self.buffer
        if buffer < patch_radius:
            raise SettingsError(
                f"the split's buffer of {buffer} px is narrower than the patch radius of "
                f"{patch_radius} px; raise it, or leave it null"
            )
        return buffer
