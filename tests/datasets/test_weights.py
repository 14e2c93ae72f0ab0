"""Weights as versions of two files."""

from pathlib import Path

import pytest
import torch
from kedro.io import DatasetError

from bdgf.core.errors import ArtifactError
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
    names = ["net.safetensors", "net.json", "net.safetensors.sha256"]
    assert [path.name for path in saved_files(dataset)] == names
    assert all(path.exists() for path in saved_files(dataset))


def test_equal_versions_share_both_files(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    for version, config in (("a", {"seed": 0}), ("b", {"seed": 0}), ("c", {"seed": 1})):
        at(WeightsDataset, path, version).save(Weights({"a": torch.ones(3)}, config))

    def inodes(name: str) -> list[int]:
        return [(path / version / name).stat().st_ino for version in "abc"]

    weights, configurations = inodes("net.safetensors"), inodes("net.json")
    assert len(set(weights)) == 1
    assert configurations[0] == configurations[1] != configurations[2]


@pytest.mark.parametrize("name", ["net.safetensors", "net.json"])
def test_damage_to_either_file_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    dataset = WeightsDataset(filepath=str(tmp_path / "net.safetensors"))
    dataset.save(Weights({"a": torch.ones(3)}, {"seed": 0}))
    (tmp_path / name).write_bytes(b"{")
    with pytest.raises(DatasetError, match="delete this version and make it again") as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, ArtifactError)
