"""The interface of patch networks for training and full-map inference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from torch import Tensor, nn

from bdgf.models.patch.sampling import ClassWeights, Pixels
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


class PatchNetwork(nn.Module, ABC):
    """A network of one or more branches on the patch around a pixel.

    It works in two steps. `embed_scene` and `embed_level` are position-wise and give zero where
    there is no data, so that they can be applied to patches (training) or once to whole maps
    (`bdgf.models.patch.predict_map`) with the same result. `classify` takes the embedded patches.

    Attributes:
        patch: Width of the patch in pixels, odd.
        branch_names: The branches' names, in order.
        fusion: The fusion rule over the branches.
        modalities: Each modality's number of channels, in the order of the channels.
        level_channels: C_l of each level of diffusion features that it was made for.
        levels: Number of levels that it reads, finest first.
        classes: K, number of classes.
        embedded_width: Numbers that `embed_scene` and `embed_level` make for each pixel.
    """

    patch: int
    branch_names: tuple[str, ...]
    fusion: str
    modalities: dict[str, int]
    level_channels: tuple[int, ...] = ()
    levels: int = 0
    classes: int
    embedded_width: float

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
            inside: (..., 1) bool: the cell is in the scene and holds a valid pixel.

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
        self,
        arrays: SceneTensors,
        valid: tuple[Tensor, ...],
        pixels: Pixels,
        weighting: ClassWeights,
        seed: int,
    ) -> dict[str, Any]:
        """Fits the parts that no gradient step changes; a network without such parts does nothing.

        Args:
            arrays: The scene and its features.
            valid: `level_valid` of the scene's valid pixels.
            pixels: All pixels whose labels may be seen; each class has one.
            weighting: How the classes are weighted.
            seed: The training's seed.

        Returns:
            What was chosen, JSON-serialisable: it goes into the weights' configuration.
        """
        return {}

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
