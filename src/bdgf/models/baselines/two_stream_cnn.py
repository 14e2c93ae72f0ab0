"""Two-stream CNN: one stream of convolutions per kind of modality, joined before the classifier.

After the two-branch network of Xu et al., "Multisource Remote Sensing Data Classification Based on
Convolutional Neural Network", IEEE TGRS 2018: spatial streams on both sources whose features are
concatenated. Left out: its 1-D convolution along the spectrum, since the prepared spectral channels
may be components, whose order is not that of wavelengths.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from bdgf.core.settings import Settings
from bdgf.models.baselines.patch_baseline import PatchBaseline


class TwoStreamSettings(Settings):
    """The two-stream CNN; sizes are chosen here."""

    width: int = Field(32, ge=1, description="Channels of a stream's first convolution.")
    embedding: int = Field(128, ge=1, description="Length of the joined embedding.")
    dropout: float = Field(0.3, ge=0, lt=1, description="Dropout before and after the embedding.")


class TwoStreamCNN(PatchBaseline):
    """A spectral and an auxiliary stream, as far as there are such; any number of modalities."""

    def __init__(
        self,
        settings: TwoStreamSettings,
        modalities: dict[str, int],
        spectral: list[str],
        patch: int,
        classes: int,
    ) -> None:
        """Builds the network; the arguments are those of `PatchBaseline`."""
        super().__init__("two_stream_cnn", settings, modalities, spectral, patch, classes)
        counts = {"spectral": self.spectral_count, "auxiliary": self.auxiliary_count}
        self.streams = [kind for kind, count in counts.items() if count]
        for kind in self.streams:
            self.add_module(f"{kind}_stream", _stream(counts[kind], settings.width))
        cells = len(self.streams) * 2 * settings.width * ((patch + 1) // 2) ** 2
        self.join = nn.Sequential(
            nn.Dropout(settings.dropout), nn.Linear(cells, settings.embedding), nn.ReLU()
        )
        self.head = nn.Sequential(
            nn.Dropout(settings.dropout), nn.Linear(settings.embedding, classes)
        )

    def embed(self, spectral: Tensor, auxiliary: Tensor) -> tuple[Tensor, Tensor]:
        """Classifies patches: see `PatchBaseline.embed`."""
        given = {"spectral": spectral, "auxiliary": auxiliary}
        cells = [self.get_submodule(f"{kind}_stream")(given[kind]) for kind in self.streams]
        embedding = self.join(torch.cat(cells, dim=1))  # (B, E)
        return self.head(embedding), embedding


def _stream(channels: int, width: int) -> nn.Sequential:
    # (B, channels, P, P) -> (B, 2 * width * ceil(P / 2)**2)
    return nn.Sequential(
        *_convolution(channels, width),
        *_convolution(width, 2 * width),
        nn.MaxPool2d(2, ceil_mode=True),
        *_convolution(2 * width, 2 * width),
        nn.Flatten(),
    )


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()
