"""Weights on disk: safetensors, with the configuration that rebuilds them as JSON beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bdgf.core.digests import check_digests
from bdgf.core.errors import artifact_errors
from bdgf.core.whole_files import whole_artifact

if TYPE_CHECKING:
    import torch

ModuleT = TypeVar("ModuleT", bound="torch.nn.Module")


@dataclass(frozen=True)
class Weights:
    """Named tensors and all that is needed to rebuild the object they belong to.

    Attributes:
        tensors: Parameters, buffers and statistics by name.
        config: JSON-serialisable: settings, channel counts, seed, fingerprints, provenance.
    """

    tensors: dict[str, torch.Tensor]
    config: dict[str, Any] = field(default_factory=dict)


def configuration_path(path: Path) -> Path:
    """The JSON file of the safetensors file `path`."""
    return path.with_suffix(".json")


def weights_files(path: Path) -> list[Path]:
    """The files of the weights whose safetensors file is `path`, that one first."""
    return [path, configuration_path(path)]


def write_weights(weights: Weights, path: Path) -> None:
    """Writes both files and their digests, completely or not at all.

    Args:
        weights: What to write; tensors are stored contiguous, on the CPU.
        path: The `.safetensors` file; the JSON goes beside it.

    Raises:
        StorageError: The disk refuses; what was there before still is.
    """
    from safetensors.torch import save_file

    tensors = {name: t.detach().cpu().contiguous() for name, t in weights.tensors.items()}
    with whole_artifact(path, sum(tensor.nbytes for tensor in tensors.values())) as staged:
        text = json.dumps(weights.config, indent=1, sort_keys=True) + "\n"
        configuration_path(staged).write_text(text)
        save_file(tensors, staged)


def read_weights(path: Path, remedy: str = "delete it and train again") -> Weights:
    """Reads what `write_weights` wrote.

    Args:
        path: The `.safetensors` file.
        remedy: What to do where it is damaged, for the message.

    Raises:
        ArtifactError: A file is missing or damaged, or the two do not belong together.
    """
    from safetensors.torch import load

    with artifact_errors(f"the file of weights {path}", remedy):
        check_digests(weights_files(path))
        config = json.loads(configuration_path(path).read_text())
        # Read, not mapped: what happens to the file later does not happen to the tensors.
        return Weights(load(path.read_bytes()), config)


def rebuild(
    weights: Weights, what: str, make: Callable[[dict[str, Any]], ModuleT], remedy: str
) -> ModuleT:
    """Makes a module of what its weights' configuration says, and loads them into it.

    Args:
        weights: The weights.
        what: What they should be of, for messages.
        make: From the configuration to a module with fresh weights.
        remedy: What to do where they are of something else.

    Returns:
        The module in evaluation mode.

    Raises:
        ArtifactError: They are not the weights of such a module of this version.
    """
    with artifact_errors(f"what should be the weights of {what}", remedy):
        module = make(weights.config)
        module.load_state_dict(weights.tensors)
    return module.eval()
