"""The classical branch: linear maps and a forest on statistics of the patch and on features.

It is not trained by gradient steps: `bdgf.models.bdgf.classical.fit` fits it beforehand, on few
numbers that describe a pixel. Where labels are few and clustered it is hard to beat; the trained
branches learn from it on pixels without labels, and correct it where they know better. It answers
in evaluation only. Chosen here; the paper knows three branches.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from bdgf.core.settings import Settings
from bdgf.models.bdgf.classical.logistic import LinearMaps, LinearSettings
from bdgf.models.bdgf.classical.patch_statistics import AVERAGES, FEATURES, PatchStatistics, without
from bdgf.models.bdgf.classical.pca import FeatureComponents
from bdgf.models.bdgf.classical.tree_ensemble import ForestSettings, TreeEnsemble


class ClassicalSettings(Settings):
    """The classical branch. Chosen here; the paper has none."""

    use: bool = Field(True, description="Whether there is one")
    components: int = Field(
        30, ge=0, description="Most components of each level's diffusion features; 0 reads none"
    )
    linear: LinearSettings = Field(LinearSettings(), description="The linear maps")
    forest: ForestSettings = Field(ForestSettings(), description="The forest")


class ClassicalBranch(nn.Module):
    """Mixes the probabilities of linear maps and trees, its experts; all of it is buffers.

    Attributes:
        components: Of the diffusion features; None without guidance.
        describe: What both see of a pixel.
        linear_sets: What each linear map sees, beside the pixel's channels.
        forest_sets: What trees see, likewise.
        shares: (2,) of the linear maps and of the trees, or (1,).
        linear: The linear maps.
        forest: The forest, or None.
    """

    shares: Tensor

    def __init__(
        self,
        settings: ClassicalSettings,
        channels: int,
        patch: int,
        classes: int,
        level_channels: tuple[int, ...] = (),
        averages: tuple[int, ...] = (),
    ) -> None:
        """Builds it unfitted: all classes are equally likely.

        Args:
            settings: Settings.
            channels: C, channels of a pixel.
            patch: Width of the patch in pixels.
            classes: K, number of classes.
            level_channels: C_l of each level of diffusion features that is read.
            averages: Which of the channels are averages of adjacent bands.
        """
        super().__init__()
        self.components: FeatureComponents | None = None
        if level_channels and settings.components:
            self.components = FeatureComponents(level_channels, settings.components)
        forest = settings.forest.sets if settings.forest.use else ()
        absent = (FEATURES,) * (self.components is None) + (AVERAGES,) * (not averages)
        self.linear_sets = without(settings.linear.candidates, absent)
        self.forest_sets = without(forest, absent)
        self.describe = PatchStatistics(
            (name for names in (*self.linear_sets, *self.forest_sets) for name in names),
            channels,
            patch,
            self.components.count if self.components else 0,
            averages,
        )
        self.linear = LinearMaps(len(self.linear_sets), self.describe.width, classes)
        self.forest = TreeEnsemble(classes) if settings.forest.use else None
        experts = 1 + (self.forest is not None)
        self.register_buffer("shares", torch.full((experts,), 1 / experts))

    @property
    def size(self) -> int:
        """Weights of the linear maps and nodes of the forest."""
        return self.linear.size + (self.forest.size if self.forest is not None else 0)

    def embed(self, channels: Tensor, inside: Tensor) -> Tensor:
        """(..., C + 1) of channels (..., C) and inside (..., 1), to take the patches of."""
        return torch.cat([channels * inside, inside.to(channels.dtype)], dim=-1)

    def describe_pixels(self, patches: Tensor, centres: list[Tensor]) -> Tensor:
        """(B, F) float32 of patches (B, P, P, C + 1) and, per level, the centre's components."""
        components = None
        if self.components is not None:
            components = self.components.limit(torch.cat(centres, dim=-1))
        described: Tensor = self.describe(patches.float(), components)
        return described

    def forward(self, patches: Tensor, centres: list[Tensor]) -> Tensor:
        """Log-probabilities (B, K) float32.

        Args:
            patches: (B, P, P, C + 1), patches of `embed`.
            centres: Per level (B, components), what `components` gives at the pixel; none without
                guidance.
        """
        # In lower precision the difference of squares behind a deviation would be noise.
        with torch.autocast(patches.device.type, enabled=False):
            described = self.describe_pixels(patches, centres)
            said = [part(described) for part in (self.linear, self.forest) if part is not None]
            mixed = torch.stack(said) + self.shares.log()[:, None, None]
            return mixed.logsumexp(0)
