"""Weights on disk: safetensors, with the configuration that rebuilds them as JSON beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bdgf.core.errors import artifact_errors
from bdgf.core.storage import written_whole

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
    """The JSON file that stands beside the safetensors file `path`."""
    return path.with_suffix(".json")


def write_weights(weights: Weights, path: Path) -> None:
    """Writes both files under temporary names first, so that no reader sees half of one.

    Args:
        weights: What to write; tensors are stored contiguous, on the CPU.
        path: The `.safetensors` file; the JSON goes beside it.

    Raises:
        StorageError: The disk refuses; what was there before still is.
    """
    from safetensors.torch import save_file

    tensors = {name: t.detach().cpu().contiguous() for name, t in weights.tensors.items()}
    partial, partial_json = path.with_name(path.name + ".part"), path.with_name(path.name + ".j")
    with (
        written_whole(path, partial, sum(tensor.nbytes for tensor in tensors.values())),
        # Its name first: weights that are there always have their configuration.
        written_whole(configuration_path(path), partial_json),
    ):
        save_file(tensors, partial)
        partial_json.write_text(json.dumps(weights.config, indent=1, sort_keys=True) + "\n")


def read_weights(path: Path) -> Weights:
    """Reads what `write_weights` wrote.

    Raises:
        ArtifactError: A file is missing or damaged.
    """
    from safetensors.torch import load_file

    with artifact_errors(f"the file of weights {path}", "delete it and train again"):
        config = json.loads(configuration_path(path).read_text())
        return Weights(load_file(path), config)


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
