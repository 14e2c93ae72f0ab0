"""The group `inference`: how a map is computed and post-processed."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bdgf.core.settings import MAIN, Settings
from bdgf.inference.smoothing import SmoothingSettings
from bdgf.models.base import PredictionSettings

SETS_OR_FAST = (
    "inference.sets.coverage is of the whole model, and with inference.fast=true another "
    "network draws the map; leave one of the two out"
)
"""Refusal of prediction sets on a map of the fast network."""


class SetSettings(Settings):
    """Prediction sets: the classes that a pixel may be. Chosen here; the paper is silent."""

    coverage: float | None = Field(
        None,
        ge=0.5,
        le=0.99,
        description="Share of the pixels whose set of classes is to hold the right one, in whole "
        "per cent (others are rounded up); writes a map of the sets' sizes. null: no sets",
    )


class InferenceSettings(PredictionSettings):
    """Full-map inference. Chosen by this project, not the paper."""

    hide: tuple[str, ...] = Field(
        (), description="Modalities that are treated as missing everywhere while a map is made"
    )
    sets: SetSettings = Field(
        SetSettings(),
        description="Sets of classes with a stated coverage, of models with a decision",
    )
    smoothing: SmoothingSettings = Field(
        SmoothingSettings(), description="Smoothing of the map's probabilities, for every model"
    )
    fast: bool = Field(
        False,
        description="Map with the fast network that is distilled from the model (group `distil`, "
        "docs/how_to/large_rasters.md). `train` and `full` distil it if this is true",
    )

    @model_validator(mode="after")
    def _fast_has_no_branches(self) -> Self:
        if self.fast and (self.fusion is not None or self.dihedral != 1):
            raise ValueError(
                "the fast network (inference.fast) has no branches and no test-time symmetries; "
                "leave inference.fusion and inference.dihedral at their defaults"
            )
        return self


class MappingSettings(Settings):
    """Settings of `predict`. Chosen by this project, not the paper."""

    probabilities: bool = Field(
        False,
        description="Whether to also write a probability map of every class",
        json_schema_extra=MAIN,
    )
    adapt: Literal["none", "statistics"] = Field(
        "none",
        description="`statistics` rescales each band of the target to its mean and spread "
        "in the training scene, without labels. This helps if light or season "
        "shift a whole band, and harms if the land cover differs",
        json_schema_extra=MAIN,
    )
    block: Literal["auto"] | Annotated[int, Field(ge=16)] = Field(
        "auto",
        description="Side in pixels of the blocks that are mapped at once; `auto`: as "
        "large as `memory_gib` allows",
    )
    memory_gib: float = Field(
        0.35, gt=0, description="Memory in GiB for the activations of one block"
    )
    resident_gib: float = Field(
        0.1,
        ge=0,
        description="A target up to this size in GiB is read into memory; a larger one is "
        "read from its files window by window",
    )
