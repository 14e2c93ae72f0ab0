"""Weights on disk: whole or not there, and rebuilt or refused in one line."""

from pathlib import Path

import pytest
import torch

from bdgf.core.digests import digest_path
from bdgf.core.errors import ArtifactError
from bdgf.core.weights import Weights, configuration_path, read_weights, rebuild, write_weights


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "net.safetensors"


def small(value: float = 1.0) -> Weights:
    return Weights({"weight": torch.full((2, 3), value)}, {"inputs": 3, "note": "small"})


def layer(config) -> torch.nn.Linear:
    return torch.nn.Linear(config["inputs"], 2, bias=False)


def test_what_is_written_is_read(path):
    tensors = {
        "turned": torch.arange(6.0).reshape(2, 3).T,
        "half": torch.randn(4).bfloat16(),
        "count": torch.tensor(7),
        "empty": torch.zeros(0, 2),
        "trained": torch.ones(2, requires_grad=True),
    }
    write_weights(Weights(tensors, {"name": "é", "list": [1, None]}), path)
    found = read_weights(path)
    assert found.config == {"name": "é", "list": [1, None]}
    assert found.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found.tensors[name].dtype == tensor.dtype
        assert torch.equal(found.tensors[name], tensor)
        assert not found.tensors[name].requires_grad


def test_two_files_and_their_digests_are_left_and_no_other(path):
    write_weights(small(), path)
    write_weights(small(2.0), path)
    names = {"net.safetensors", "net.json", "net.safetensors.sha256"}
    assert {file.name for file in path.parent.iterdir()} == names
    assert configuration_path(path).exists()
    assert torch.equal(read_weights(path).tensors["weight"], small(2.0).tensors["weight"])


def test_a_configuration_of_other_weights_is_refused(path):
    write_weights(small(), path)
    older = configuration_path(path).read_bytes()
    write_weights(Weights(small(2.0).tensors, {"inputs": 4}), path)
    configuration_path(path).write_bytes(older)
    with pytest.raises(ArtifactError, match=r"net\.json is not as it was written"):
        read_weights(path)


def test_weights_that_were_written_without_digests_are_read(path):
    write_weights(small(), path)
    digest_path(path).unlink()
    assert torch.equal(read_weights(path).tensors["weight"], small().tensors["weight"])


def test_the_remedy_is_the_callers(path):
    write_weights(small(), path)
    path.write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"; it is pretrained again$"):
        read_weights(path, "it is pretrained again")


def test_a_configuration_that_json_cannot_hold_leaves_the_old_weights(path):
    write_weights(small(), path)
    with pytest.raises(TypeError):
        write_weights(Weights(small(2.0).tensors, {"device": torch.device("cpu")}), path)
    assert torch.equal(read_weights(path).tensors["weight"], small().tensors["weight"])
    assert len(list(path.parent.iterdir())) == 3


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
@pytest.mark.parametrize("share", [None, 0.0, 0.5, 0.95])
def test_a_file_that_is_missing_or_cut_short_is_told_in_one_line(path, suffix, share):
    write_weights(small(), path)
    damaged = path.with_suffix(suffix)
    content = damaged.read_bytes()
    damaged.unlink()
    if share is not None:
        damaged.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ArtifactError, match="delete it and train again") as caught:
        read_weights(path)
    assert f"the file of weights {path} is damaged" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_module_is_rebuilt_in_evaluation_mode():
    module = rebuild(small(), "a layer", layer, "train again")
    assert torch.equal(module.weight, small().tensors["weight"])
    assert not module.training


@pytest.mark.parametrize(
    "wrong",
    [
        Weights({}, {"inputs": 3}),
        Weights({"weight": torch.ones(2, 4)}, {"inputs": 3}),
        Weights({**small().tensors, "bias": torch.ones(2)}, {"inputs": 3}),
        Weights(small().tensors, {}),
        Weights(small().tensors, {"inputs": "three"}),
    ],
)
def test_weights_of_something_else_are_refused_in_one_line(wrong):
    with pytest.raises(ArtifactError, match="what should be the weights of a layer") as caught:
        rebuild(wrong, "a layer", layer, "delete them")
    assert str(caught.value).endswith("; delete them")
    assert "\n" not in str(caught.value)
