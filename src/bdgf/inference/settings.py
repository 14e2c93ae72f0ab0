"""The group `inference`: how a map is drawn, and what is done to it afterwards."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bdgf.core.settings import MAIN, Settings
from bdgf.inference.smoothing import SmoothingSettings
from bdgf.models.base import PredictionSettings


class InferenceSettings(PredictionSettings):
    """Full-map inference. Chosen here; the paper is silent."""

    hide: tuple[str, ...] = Field(
        (), description="Modalities that are taken as missing everywhere while a map is drawn"
    )
    smoothing: SmoothingSettings = Field(
        SmoothingSettings(), description="Smoothing of the map's probabilities, of every model"
    )


class MappingSettings(Settings):
    """How `predict` maps a scene with a model of another one. Chosen here; the paper is silent."""

    probabilities: bool = Field(
        False,
        description="Whether a map of every class's probability is kept too",
        json_schema_extra=MAIN,
    )
    adapt: Literal["none", "statistics"] = Field(
        "none",
        description="`statistics` gives each band of the target the mean and spread that it had in "
        "the training scene, without labels: helps where light or season shift a whole band, harms "
        "where the land differs",
        json_schema_extra=MAIN,
    )
    block: Literal["auto"] | Annotated[int, Field(ge=16)] = Field(
        "auto",
        description="Side in pixels of the blocks that are made at a time; `auto`: as large "
        "as `memory_gib` allows",
    )
    memory_gib: float = Field(
        0.4, gt=0, description="Memory in GiB that the activations of one block may take"
    )
    resident_gib: float = Field(
        0.1,
        ge=0,
        description="A target of up to so many GiB is read into memory; a larger one is read from "
        "its files, window by window",
    )
