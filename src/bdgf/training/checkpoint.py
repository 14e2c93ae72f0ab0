"""The running checkpoint: all that a killed training needs to end as one that was not."""

from __future__ import annotations

import logging
import os
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from bdgf.core.guarded_file import guarded
from bdgf.core.storage import storage_error, written_whole
from bdgf.training.divergence import NonFiniteSteps
from bdgf.training.interval_means import IntervalMeans
from bdgf.training.optimizer import ExponentialAverage

log = logging.getLogger(__name__)

_BYTES_OF_A_RECORD = 512
"""Of a tensor in the archive: its names, its alignment and its check sum."""


class Stateful(Protocol):
    """Anything whose state a step changes (masking, records, the best weights so far).

    States hold tensors, numbers, strings, lists, tuples and dictionaries only: nothing else is
    unpickled.
    """

    def state_dict(self) -> dict[str, Any]:
        """The state, for a checkpoint."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> Any:
        """Takes the state of a checkpoint."""
        ...


@dataclass
class TrainingState:
    """All that the steps of a training change.

    Attributes:
        model: What is trained, as Fabric set it up.
        optimizer: Its optimiser, as Fabric set it up.
        ema: Moving average of the model's weights, or None.
        generators: The generators that the steps draw from, by name.
        parts: Whatever else the steps change, by name.
        step: Steps done.
        means: Means of the logged scalars since the last record.
        nonfinite: The steps that were skipped.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    ema: ExponentialAverage | None = None
    generators: dict[str, torch.Generator | np.random.Generator] = field(default_factory=dict)
    parts: dict[str, Stateful] = field(default_factory=dict)
    step: int = 0
    means: IntervalMeans = field(default_factory=IntervalMeans)
    nonfinite: NonFiniteSteps = field(default_factory=NonFiniteSteps)

    def state_dict(self) -> dict[str, Any]:
        """Weights, averages, optimiser, random generators (PyTorch's global ones too), step."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict() if self.ema else None,
            "generators": {name: _random_state(g) for name, g in self.generators.items()},
            "global_random": global_random_state(),
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "means": self.means.state_dict(),
            "nonfinite": self.nonfinite.state_dict(),
            "step": self.step,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.ema:
            self.ema.load_state_dict(state["ema"])
        for name, generator in self.generators.items():
            _restore_random_state(generator, state["generators"][name])
        restore_global_random_state(state["global_random"])
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        self.means.load_state_dict(state["means"])
        if "nonfinite" in state:  # what earlier versions wrote had none
            self.nonfinite.load_state_dict(state["nonfinite"])
        self.step = int(state["step"])


def save_checkpoint(path: Path, state: Mapping[str, Any], fingerprint: str) -> None:
    """Writes `state` so that there is always a whole checkpoint; the one before is kept.

    Args:
        path: The checkpoint file, which no other process writes.
        state: What `TrainingState.state_dict` gave.
        fingerprint: Of everything that decides the training's result.

    Raises:
        StorageError: The disk refuses; the old checkpoint still is there.
    """
    needed = _bytes_of_tensors(state)
    with written_whole(path, _partial(path), needed) as partial:
        with guarded(partial, "wb") as file:
            # PyTorch's archive writer takes any object that writes; its types say less.
            torch.save({"fingerprint": fingerprint, "state": dict(state)}, file)  # type: ignore[arg-type]
            file.sync()
        if path.exists():
            os.replace(path, previous_checkpoint(path))


def load_checkpoint(path: Path, fingerprint: str) -> dict[str, Any] | None:
    """Reads the checkpoint of the training that `fingerprint` stands for, on the CPU.

    Where the last one is damaged (a warning names it) or missing, the one before is read.

    Returns:
        The state; None when there is no file, when it belongs to another training (logged at
        INFO), or when both are damaged: training then starts from its beginning.

    Raises:
        StorageError: The disk refuses to give it.
    """
    for file in (path, previous_checkpoint(path)):
        content = _read(file) if file.exists() else None
        if content is None:
            continue
        if content["fingerprint"] != fingerprint:
            log.info(
                "the running checkpoint %s is of other data or settings (%s, now %s)",
                file,
                content["fingerprint"],
                fingerprint,
            )
            continue
        return dict(content["state"])
    return None


def previous_checkpoint(path: Path) -> Path:
    """The checkpoint that was written before the one at `path`."""
    return path.with_name(f"{path.name}.previous")


def delete_checkpoint(path: Path) -> None:
    """Deletes the checkpoint `path`, the one before it, and what a killed process left of one."""
    for file in (_partial(path), previous_checkpoint(path), path):
        file.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _read(path: Path) -> dict[str, Any] | None:
    # What `save_checkpoint` wrote; None with a warning where a bit of it is not as it was.
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip():  # torch.load does not look at the checksums
                raise zipfile.BadZipFile
        content = torch.load(path, map_location="cpu", weights_only=True)
        return {"fingerprint": content["fingerprint"], "state": dict(content["state"])}
    except (
        OSError,
        EOFError,
        RuntimeError,
        ValueError,
        LookupError,
        TypeError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
    ) as error:
        refused = storage_error(error)
        if refused is not None:  # the checkpoint may well be whole
            raise refused from error
        log.warning(
            "the running checkpoint %s is damaged (%s) and not used", path, type(error).__name__
        )
        return None


def _bytes_of_tensors(state: Any) -> int:
    if isinstance(state, torch.Tensor):
        return state.nbytes + _BYTES_OF_A_RECORD
    if isinstance(state, Mapping):
        return sum(map(_bytes_of_tensors, state.values()))
    return sum(map(_bytes_of_tensors, state)) if isinstance(state, list | tuple) else 0


def _random_state(generator: torch.Generator | np.random.Generator) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    return generator.bit_generator.state


def _restore_random_state(generator: torch.Generator | np.random.Generator, state: Any) -> None:
    if isinstance(generator, torch.Generator):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state


def global_random_state() -> dict[str, Any]:
    """State of PyTorch's global generators, which initial weights and dropout draw from."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def restore_global_random_state(state: Mapping[str, Any]) -> None:
    """Takes a state of `global_random_state`; that of CUDA only on as many devices."""
    torch.set_rng_state(state["cpu"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
