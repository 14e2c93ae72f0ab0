"""The group `inference`: how a map is drawn, and what is done to it afterwards."""

from __future__ import annotations

from pydantic import Field

from bdgf.inference.smoothing import SmoothingSettings
from bdgf.models.base import PredictionSettings


class InferenceSettings(PredictionSettings):
    """Full-map inference. Chosen here; the paper is silent."""

    smoothing: SmoothingSettings = Field(
        SmoothingSettings(), description="Smoothing of the map's probabilities, of every model"
    )
