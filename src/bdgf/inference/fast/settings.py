"""The group `distil`: how a fast network is distilled from a trained model."""

from __future__ import annotations

from pydantic import Field

from bdgf.core.settings import Settings


class DistilSettings(Settings):
    """Distillation of the fast network (`inference.fast`). Chosen by this project, not the paper.

    The trained model maps tiles of its scene, labels unseen, and the network learns its class
    probabilities.
    """

    pixels: int = Field(
        80_000,
        ge=1_000,
        description="Most pixels of the scene that the model maps to teach the network, in tiles "
        "spread at random; a smaller scene is mapped whole",
    )
    held_out: float = Field(
        0.15,
        gt=0,
        le=0.5,
        description="Share of the tiles' blocks that do not teach: on them the agreement with the "
        "model is measured",
    )
    hidden: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of the tiles that the model maps once more without a modality, for each "
        "modality, so that the network learns to do without it; one tile at least, 0 for none",
    )
    width: int = Field(64, ge=8, description="Channels of the network")
    depth: int = Field(6, ge=1, description="Least number of its blocks of layers")
    steps: int = Field(6_400, ge=1, description="Training steps")
    batch_pixels: int = Field(2_304, ge=256, description="Pixels of one training step, about")
    learning_rate: float = Field(0.005, gt=0, description="Peak learning rate")
