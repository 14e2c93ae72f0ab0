"""Single-branch networks on raw patches, with one input per kind of modality."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from bdgf.core.errors import SettingsError
from bdgf.core.settings import Settings
from bdgf.models.patch.network import ClassifierOutput, PatchNetwork


class PatchBaseline(PatchNetwork):
    """A network on patches of the spectral and of the auxiliary channels.

    Whatever the number of modalities: the spectral ones are stacked, and so are the auxiliary ones.
    One kind may be missing; a network makes no layer for it.
    What is position-wise before the first convolution is nothing but the mask.
    """

    fusion = "mean"
    owner: Tensor
    spectral_channels: Tensor
    auxiliary_channels: Tensor

    def __init__(
        self,
        name: str,
        settings: Settings,
        modalities: dict[str, int],
        spectral: list[str],
        patch: int,
        classes: int,
    ) -> None:
        """Takes what every such network is made for.

        Args:
            name: The network's name, also that of its branch.
            settings: Its settings.
            modalities: Each modality's number of channels, in the order of the channels.
            spectral: Names of the spectral modalities, the others being auxiliary.
            patch: Width of the patch in pixels, odd.
            classes: K, number of classes.

        Raises:
            SettingsError: There is one class only.
        """
        super().__init__()
        if classes < 2:
            raise SettingsError(f"{classes} classes leave nothing to tell apart; label at least 2")
        self.name, self.settings, self.spectral = name, settings, list(spectral)
        self.modalities, self.patch, self.classes = dict(modalities), patch, classes
        self.branch_names = (name,)
        owners = [m for m, count in modalities.items() for _ in range(count)]
        places = {
            "spectral": [i for i, m in enumerate(owners) if m in spectral],
            "auxiliary": [i for i, m in enumerate(owners) if m not in spectral],
        }
        for kind, channels in places.items():
            where = torch.tensor(channels, dtype=torch.long)
            self.register_buffer(f"{kind}_channels", where, persistent=False)
        owner = [list(modalities).index(m) for m in owners]
        self.register_buffer("owner", torch.tensor(owner), persistent=False)
        self.spectral_count, self.auxiliary_count = map(len, places.values())
        self.embedded_width = len(owners)

    @abstractmethod
    def embed(self, spectral: Tensor, auxiliary: Tensor) -> tuple[Tensor, Tensor]:
        """Classifies patches.

        Args:
            spectral: (B, C_s, P, P) float32, 0 where there is no data; C_s is 0 without such.
            auxiliary: (B, C_a, P, P) likewise.

        Returns:
            Logits (B, K) and embeddings (B, E).
        """

    def embed_scene(
        self, channels: Tensor, inside: Tensor, keep: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Masks (..., C) channels: 0 outside the scene and in a modality that is hidden."""
        masked = channels * inside
        if keep is not None:
            masked = masked * keep[..., self.owner]
        return {self.name: masked}

    def classify(
        self, stems: dict[str, Tensor], guidance: list[Tensor], centres: list[Tensor]
    ) -> ClassifierOutput:
        """Classifies the centre pixels of (B, P, P, C) patches; there is no guidance."""
        patches = stems[self.name].permute(0, 3, 1, 2)  # (B, C, P, P)
        logits, embedding = self.embed(
            patches[:, self.spectral_channels], patches[:, self.auxiliary_channels]
        )
        return ClassifierOutput({self.name: logits}, {self.name: embedding})

    def config(self) -> dict[str, Any]:
        """All that rebuilds the network beside its tensors, JSON-serialisable."""
        return {
            "network": self.name,
            "settings": self.settings.model_dump(mode="json"),
            # A list: the order of the modalities is that of the channels, and JSON may be sorted.
            "modalities": [[name, count] for name, count in self.modalities.items()],
            "spectral": self.spectral,
            "classes": self.classes,
        }
