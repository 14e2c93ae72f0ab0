"""Weights as versions of two files."""

from pathlib import Path

import torch

from bdgf.core.weights import Weights
from bdgf.datasets.weights import WeightsDataset
from bdgf.framework.hooks.artifacts import saved_files
from tests.datasets.small_versions import at


def test_weights_keep_tensors_and_configuration(tmp_path: Path) -> None:
    weights = Weights({"a": torch.arange(6.0).reshape(2, 3).T}, {"settings": {"width": 3}})
    dataset = at(WeightsDataset, tmp_path / "net.safetensors", "a")
    dataset.save(weights)
    loaded = dataset.load()
    assert loaded.config == weights.config
    assert torch.equal(loaded.tensors["a"], weights.tensors["a"])
    assert [path.name for path in saved_files(dataset)] == ["net.safetensors", "net.json"]
    assert all(path.exists() for path in saved_files(dataset))
