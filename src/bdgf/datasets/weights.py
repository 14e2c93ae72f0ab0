"""Weights and statistics as safetensors, their configuration as JSON beside them."""

from __future__ import annotations

from pathlib import Path

from bdgf.core.weights import Weights, configuration_path, read_weights, write_weights
from bdgf.datasets.local_versioned import LocalVersionedDataset


class WeightsDataset(LocalVersionedDataset[Weights]):
    """`bdgf.core.weights.Weights` in two files that stand side by side.

    Example:
        ```yaml
        denoiser:
          type: bdgf.datasets.weights.WeightsDataset
          filepath: data/06_models/demo/denoiser.safetensors
          versioned: true
        ```
    """

    def size(self, content: Weights) -> int:
        """Bytes of the tensors."""
        return sum(tensor.nbytes for tensor in content.tensors.values())

    def companions(self, path: Path) -> list[Path]:
        """The safetensors file and the JSON file."""
        return [path, configuration_path(path)]

    def _read(self, path: Path) -> Weights:
        return read_weights(path)

    def _write(self, content: Weights, path: Path) -> None:
        write_weights(content, path)
