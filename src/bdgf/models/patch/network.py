"""The interface of patch networks for training and full-map inference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from bdgf.models.patch.decision import Decision, Expert
from bdgf.models.patch.fusion import STACKED, fuse
from bdgf.models.patch.held_out import HeldOutBlocks
from bdgf.raster.patches import PatchBatch, SceneTensors
from bdgf.raster.visibility import shown_where_there


class ClassifierOutput(NamedTuple):
    """What the branches say of a batch of pixels.

    Attributes:
        logits: Each branch's logits (B, K).
        embeddings: Each branch's embeddings (B, E), where it has some.
    """

    logits: dict[str, Tensor]
    embeddings: dict[str, Tensor]


@dataclass(frozen=True)
class FittedBranch:
    """What was fitted before the training.

    Attributes:
        name: The branch.
        record: What was chosen, JSON-serialisable.
        experts: Its parts, with their shares in it.
        said: Of each fold of the held-out blocks, its probabilities (held-out pixels, K) after a
            fit to the fold's training pixels.
    """

    name: str
    record: dict[str, Any]
    experts: tuple[Expert, ...]
    said: tuple[np.ndarray, ...]


class PatchNetwork(nn.Module, ABC):
    """A network of one or more branches on the patch around a pixel.

    It works in two steps. `embed_scene` and `embed_level` are position-wise and give zero where
    there is no data, so that they can be applied to patches (training) or once to whole maps
    (`bdgf.models.patch.predict_map`) with the same result. `classify` takes the embedded patches.

    Attributes:
        patch: Width of the patch in pixels, odd.
        branch_names: The branches' names, in order.
        fusion: The fusion rule over the branches.
        decision: What the rule `stacked` joins them by; None where the network has no such rule.
        holds_out: Whether it asks for held-out blocks of the labelled pixels.
        separable: Whether its samples do not depend on each other in training: it has no batch
            norm, and its dropout is `bdgf.nn.dropout`.
        modalities: Each modality's number of channels, in the order of the channels.
        level_channels: C_l of each level of diffusion features that it was made for.
        levels: Number of levels that it reads, finest first.
        classes: K, number of classes.
        embedded_width: Numbers that `embed_scene` and `embed_level` make for each pixel.
    """

    patch: int
    branch_names: tuple[str, ...]
    fusion: str
    decision: Decision | None
    holds_out: bool = False
    separable: bool = False
    modalities: dict[str, int]
    level_channels: tuple[int, ...] = ()
    levels: int = 0
    classes: int
    embedded_width: float

    def __init__(self) -> None:
        """Starts without a decision."""
        super().__init__()
        self.decision = None

    @abstractmethod
    def embed_scene(
        self, channels: Tensor, inside: Tensor, keep: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Embeds positions of the scene, each on its own.

        Args:
            channels: (..., C) float32.
            inside: (..., 1) bool: the position is in the scene and not nodata.
            keep: (..., M) factors on the modalities, 0 hides one; broadcast over positions.

        Returns:
            Each branch's stem (..., width), zero where not inside.
        """

    def embed_level(self, level: int, features: Tensor, inside: Tensor) -> Tensor:
        """Embeds cells of a level, each on its own; only a network that has levels is asked.

        Args:
            level: The level.
            features: (..., C_l) float16 or float32.
            inside: (..., 1) bool: the cell is in the scene and holds a valid pixel, and one with
                data of all modalities.

        Returns:
            (..., G), zero where not inside.
        """
        raise NotImplementedError

    def embed_centre(self, level: int, features: Tensor) -> Tensor | None:
        """Embeds what is only read at the pixel; affine, so that it may be interpolated afterwards.

        Args:
            level: The level.
            features: (..., C_l) float16 or float32.

        Returns:
            (..., components), or None where the network looks at none.
        """
        return None

    @abstractmethod
    def classify(
        self, stems: dict[str, Tensor], guidance: list[Tensor], centres: list[Tensor]
    ) -> ClassifierOutput:
        """Classifies the centre pixels of embedded patches.

        Args:
            stems: Each branch's patches (B, P, P, width), from `embed_scene`.
            guidance: Per level (B, P_l, P_l, G), from `embed_level`.
            centres: Per level (B, components), from `embed_centre`; empty where that gives None.
        """

    def fit_before_training(
        self, arrays: SceneTensors, valid: tuple[Tensor, ...], blocks: HeldOutBlocks, seed: int
    ) -> FittedBranch | None:
        """Fits the parts that no gradient step changes; a network without such parts does nothing.

        Args:
            arrays: The scene and its features.
            valid: `level_valid` of the scene's valid pixels.
            blocks: The pixels whose labels may be seen, and how they are held out.
            seed: The training's seed.

        Returns:
            What was fitted; its record goes into the weights' configuration.
        """
        return None

    def fuse(self, logits: Mapping[str, Tensor], fusion: str | None = None) -> Tensor:
        """(B, K) probabilities of the branches' logits (B, K) by a rule; None takes its own."""
        return fuse(logits, fusion or self.fusion, self.decision)

    def penalty(self) -> Tensor | None:
        """What its weights add to the loss, a scalar; None for nothing."""
        return None

    @property
    def training_fusion(self) -> str:
        """The fusion rule until the decision is made: weights that are not known weigh nothing."""
        return "confidence" if self.fusion == STACKED else self.fusion

    def parameter_count(self) -> int:
        """Number of trained parameters."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """All that rebuilds the network beside its tensors, JSON-serialisable."""

    def forward(self, batch: PatchBatch, keep: Tensor | None = None) -> ClassifierOutput:
        """Classifies the centre pixels of raw patches.

        Args:
            batch: The patches; levels that the network does not read may be left out.
            keep: (B, M) factors on the modalities, 0 hides one from a sample; None keeps all.
        """
        stems = self.embed_scene(
            last(batch.scene), last(batch.scene_inside), kept_modalities(batch, keep)
        )
        return self.classify(stems, [], [])


def kept_modalities(batch: PatchBatch, keep: Tensor | None) -> Tensor | None:
    """The factors on the modalities that `embed_scene` takes: what is there, and not hidden.

    Args:
        batch: Raw patches.
        keep: (B, M) factors, 0 hides a modality from a sample; None keeps all.

    Returns:
        (B, 1, 1, M), or (B, P, P, M) where a modality is missing somewhere; None where all are
        kept.
    """
    keep = None if keep is None else keep[:, None, None]  # (B, 1, 1, M)
    if batch.scene_present is None:
        return keep
    there = last(batch.scene_present).to(batch.scene.dtype)  # (B, P, P, M)
    return there if keep is None else shown_where_there(keep, there, dim=-1)


def last(patches: Tensor) -> Tensor:
    """(B, C, h, w) as (B, h, w, C): a view of how the gather laid it out."""
    return patches.permute(0, 2, 3, 1)
