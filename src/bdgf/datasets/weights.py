"""Weights and statistics as safetensors, their configuration as JSON beside them."""

from __future__ import annotations

from pathlib import Path

from bdgf.core.weights import Weights, read_weights, weights_files, write_weights
from bdgf.datasets.local_versioned import LocalVersionedDataset


class WeightsDataset(LocalVersionedDataset[Weights]):
    """`bdgf.core.weights.Weights` in two files of the same folder.

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
        return weights_files(path)

    def _read(self, path: Path) -> Weights:
        return read_weights(path, self.remedy)

    def _write(self, content: Weights, path: Path) -> None:
        write_weights(content, path)
