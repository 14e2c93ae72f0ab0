"""The guided multi-branch classifier of pixels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bdgf.core.errors import SettingsError
from bdgf.core.weights import Weights, rebuild
from bdgf.models.bdgf.branches import (
    BRANCHES,
    Pyramid,
    block_maker,
)
from bdgf.models.bdgf.classical.branch import ClassicalBranch
from bdgf.models.bdgf.classical.fit import NAME as CLASSICAL
from bdgf.models.bdgf.classical.fit import fit_classical_branch
from bdgf.models.bdgf.guidance import Gated
from bdgf.models.bdgf.settings import ClassifierSettings
from bdgf.models.bdgf.stems import FeatureProjection, ModalityStem
from bdgf.models.patch.decision import Decision
from bdgf.models.patch.fusion import STACKED, check_fusion
from bdgf.models.patch.held_out import HeldOutBlocks
from bdgf.models.patch.network import (
    ClassifierOutput,
    FittedBranch,
    PatchNetwork,
    kept_modalities,
    last,
)
from bdgf.nn.dropout import Dropout
from bdgf.nn.fused.cells import SharedCells
from bdgf.raster.patches import PatchBatch, SceneTensors


class Classifier(PatchNetwork):
    """Guided branches side by side, and the classical branch.

    The classical branch is fitted, not trained: it answers in evaluation only: in the fused
    probabilities, and in the pseudo-targets.
    """

    holds_out = True
    separable = True

    def __init__(
        self,
        settings: ClassifierSettings,
        modalities: dict[str, int],
        level_channels: tuple[int, ...],
        classes: int,
        averages: tuple[int, ...] = (),
    ) -> None:
        """Builds the classifier with fresh weights from PyTorch's global generator.

        Args:
            settings: Settings.
            modalities: Each modality's number of channels, in the order of the channels.
            level_channels: C_l of each level of diffusion features; () without guidance.
            classes: K, number of classes.
            averages: Which of the channels are averages of adjacent bands.

        Raises:
            SettingsError: A branch, guide or rule is unknown, or sizes do not fit each other.
        """
        super().__init__()
        _check_guides(settings)
        if classes < 2:
            raise SettingsError(f"{classes} classes leave nothing to tell apart; label at least 2")
        self.settings, self.classes = settings, classes
        self.patch, self.fusion = settings.patch, settings.fusion
        self.branch_names = tuple(settings.branches) + (CLASSICAL,) * settings.classical.use
        check_fusion(settings.fusion, self.branch_names, stacked=True)
        self.modalities, self.level_channels = dict(modalities), tuple(level_channels)
        self.averages = tuple(averages)
        guided = any(settings.guides.get(name, "none") != "none" for name in settings.branches)
        self.levels = min(len(level_channels), settings.pyramid.stages) if guided else 0
        self.embedded_width = len(settings.branches) * settings.pyramid.width
        self.embedded_width += sum(settings.guide.width / 4**level for level in range(self.levels))
        self.stems = nn.ModuleDict(
            {
                name: ModalityStem(modalities, settings.modality_width, settings.pyramid.width)
                for name in settings.branches
            }
        )
        self.projections = nn.ModuleList(
            FeatureProjection(channels, settings.guide.width, settings.guide.feature_limit)
            for channels in level_channels[: self.levels]
        )
        # One mask for a whole patch, so that a dropped feature channel is gone for good.
        self.feature_dropout = Dropout(settings.guide.dropout)
        self.branches = nn.ModuleDict({name: self._branch(name) for name in settings.branches})
        self.classical: ClassicalBranch | None = None
        if settings.classical.use:
            count, read = sum(modalities.values()), tuple(level_channels[: self.levels])
            self.classical = ClassicalBranch(
                settings.classical, count, settings.patch, classes, read, self.averages
            )
            self.embedded_width += count + 1
            if self.classical.components is not None:
                widths = enumerate(self.classical.components.widths)
                self.embedded_width += sum(width / 4**level for level, width in widths)
        if settings.fusion == STACKED:
            self.decision = Decision(len(self.branch_names), classes)

    def _branch(self, name: str) -> Pyramid:
        settings = self.settings
        return Pyramid(
            settings.pyramid,
            settings.guide,
            settings.guides.get(name, "none"),
            patch=settings.patch,
            levels=self.levels,
            classes=self.classes,
            make_block=block_maker(name, settings.pyramid.width, settings.branch),
        )

    def set_feature_moments(self, mean: tuple[Tensor, ...], std: tuple[Tensor, ...]) -> None:
        """Takes the feature cube's statistics, per level (C_l,), into the weights."""
        for level, projection in enumerate(self.projections):
            assert isinstance(projection, FeatureProjection)
            projection.set_moments(mean[level], std[level])

    def embed_scene(
        self, channels: Tensor, inside: Tensor, keep: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Embeds positions of the scene, each on its own.

        Args:
            channels: (..., C) float32.
            inside: (..., 1) bool: the position is in the scene and not nodata.
            keep: (..., M) factors on the modalities, 0 hides one; broadcast over positions.

        Returns:
            Each branch's stem (..., width), zero where not inside; in evaluation the classical
            branch's (..., C + 1): to it a missing modality is its mean, which is 0.
        """
        stems = {name: stem(channels, keep) * inside for name, stem in self.stems.items()}
        if self.classical is not None and not self.training:
            stems[CLASSICAL] = self.classical.embed(channels, inside)
        return stems

    def embed_level(self, level: int, features: Tensor, inside: Tensor) -> Tensor:
        """Embeds cells of a level, each on its own.

        Args:
            level: The level.
            features: (..., C_l) float16 or float32.
            inside: (..., 1) bool: the cell is in the scene and holds a valid pixel, and one with
                data of all modalities.

        Returns:
            (..., G), zero where not inside.
        """
        embedded: Tensor = self.projections[level](features) * inside
        return embedded

    def embed_centre(self, level: int, features: Tensor) -> Tensor | None:
        """(..., components) of cells (..., C_l) for the classical branch; None in training."""
        if self.training or self.classical is None or self.classical.components is None:
            return None
        found: Tensor = self.classical.components(level, features)
        return found

    def classify(
        self, stems: dict[str, Tensor], guidance: list[Tensor], centres: list[Tensor]
    ) -> ClassifierOutput:
        """Classifies the centre pixels of embedded patches.

        Args:
            stems: Each branch's patches (B, P, P, width), from `embed_scene`.
            guidance: Per level (B, P_l, P_l, G), from `embed_level`.
            centres: Per level (B, components), from `embed_centre`.
        """
        guidance = SharedCells(guidance)
        outputs = {name: branch(stems[name], guidance) for name, branch in self.branches.items()}
        logits = {name: logits for name, (logits, _) in outputs.items()}
        if self.classical is not None and not self.training:
            logits[CLASSICAL] = self.classical(stems[CLASSICAL], centres)
        return ClassifierOutput(
            logits, embeddings={name: embedding for name, (_, embedding) in outputs.items()}
        )

    def forward(self, batch: PatchBatch, keep: Tensor | None = None) -> ClassifierOutput:
        """Classifies the centre pixels of raw patches.

        Args:
            batch: The patches; levels that the classifier does not read may be left out.
            keep: (B, M) factors on the modalities, 0 hides one from a sample; None keeps all.
        """
        stems = self.embed_scene(
            last(batch.scene), last(batch.scene_inside), kept_modalities(batch, keep)
        )
        guidance = [
            self._drop(self.embed_level(level, last(batch.features[level]), last(inside)), keep)
            for level, inside in enumerate(batch.features_inside[: self.levels])
        ]
        cells = (
            (level, self.embed_centre(level, features))
            for level, features in enumerate(batch.centres[: self.levels])
        )
        centres = [
            found * batch.centre_inside(level) for level, found in cells if found is not None
        ]
        return self.classify(stems, guidance, centres)

    def fit_before_training(
        self, arrays: SceneTensors, valid: tuple[Tensor, ...], blocks: HeldOutBlocks, seed: int
    ) -> FittedBranch | None:
        """Fits the classical branch: see `PatchNetwork.fit_before_training`."""
        if self.classical is None:
            return None
        return fit_classical_branch(
            self.classical,
            arrays,
            valid,
            blocks,
            self.settings.classical,
            patch=self.patch,
            seed=seed,
        )

    def penalty(self) -> Tensor | None:
        """The weighted mean of how far the guides' gates are open."""
        price = self.settings.guide.gate_penalty
        if not price or not self.levels:  # asked at every step
            return None
        gates: list[Tensor] = [part.gate for part in self.modules() if isinstance(part, Gated)]
        return price * torch.cat(gates).abs().mean()

    def parameter_count(self) -> int:
        """Number of trained parameters, and the size of the classical branch."""
        fitted = self.classical.size if self.classical is not None else 0
        return super().parameter_count() + fitted

    def config(self) -> dict[str, Any]:
        """All that `load_classifier` needs beside the tensors, JSON-serialisable."""
        return {
            "classifier": self.settings.model_dump(mode="json"),
            # A list: the order of the modalities is that of the channels, and JSON may be sorted.
            "modalities": [[name, count] for name, count in self.modalities.items()],
            "level_channels": list(self.level_channels),
            "classes": self.classes,
            "averages": list(self.averages),
        }

    def _drop(self, guidance: Tensor, keep: Tensor | None) -> Tensor:
        # (B, P_l, P_l, G) times a mask (B, 1, 1, G): feature channels are dropped in training. What
        # the denoiser saw of a modality that is hidden from a sample must not guide it either.
        if not self.training and keep is None:
            return guidance
        mask = guidance.new_ones(guidance.shape[0], 1, 1, guidance.shape[-1])
        if self.training:
            mask = self.feature_dropout(mask)
        if keep is not None:
            mask = mask * (keep > 0).all(dim=1)[:, None, None, None]
        return guidance * mask


def load_classifier(weights: Weights) -> Classifier:
    """Rebuilds a classifier, in evaluation mode, from what `fit_classifier` returned.

    Raises:
        ArtifactError: The weights are not those of a classifier of this version.
    """

    def make(config: dict[str, Any]) -> Classifier:
        return Classifier(
            ClassifierSettings.model_validate(config["classifier"]),
            {name: int(count) for name, count in config["modalities"]},
            tuple(config["level_channels"]),
            config["classes"],
            tuple(config.get("averages", ())),  # models of before have none,
        )

    return rebuild(weights, "a classifier", make, "train again")


def _check_guides(settings: ClassifierSettings) -> None:
    unknown = settings.guides.keys() - BRANCHES.keys()
    if unknown:
        raise SettingsError(
            f"guides are given for unknown branches {', '.join(sorted(unknown))}; "
            f"the branches are {', '.join(BRANCHES)}"
        )
    if len(set(settings.branches)) < len(settings.branches):
        raise SettingsError(f"branches {settings.branches} name one twice; name each once")
