"""What is kept of a run: its figures as JSON, which test pixels it got right as NPZ."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bdgf.experiments.comparison import MEASURES, Outcome


@dataclass(frozen=True)
class Record:
    """The figures of a run.

    Attributes:
        fingerprint: Of all parameters that decide the result.
        scene: The scene.
        seed: The seed.
        model: The model's name.
        params: What was set beside the defaults.
        metrics: The measures, and the leakage.
        split: Name and counts of the split.
        seconds: Wall time of the whole process; those of its parts are its MLflow run's.
        threads: Threads that it computed on; 0 where the run was left to choose.
        parameters: Trained parameters; None where that has no meaning.
        reused: Whether the pretraining was that of another run.
        mlflow_run: Id of the run in MLflow.
        version: Version of the project.
        finished: When, in ISO 8601.
    """

    fingerprint: str
    scene: str
    seed: int
    model: str
    params: dict[str, Any]
    metrics: dict[str, float]
    split: dict[str, Any]
    seconds: float
    threads: int
    parameters: int | None
    reused: bool
    mlflow_run: str
    version: str
    finished: str


@dataclass(frozen=True)
class PixelCorrectness:
    """The test pixels, and which of them were classified right.

    Attributes:
        pixels: (N,) uint32 flat indices into the scene, ascending.
        correct: (N,) bool.
    """

    pixels: np.ndarray
    correct: np.ndarray


class RecordFolder:
    """A folder with two files a run, named by its fingerprint."""

    def __init__(self, folder: Path) -> None:
        """Refers to `folder`, which need not be there yet."""
        self.folder = folder

    def __contains__(self, fingerprint: str) -> bool:
        return self.read(fingerprint) is not None

    def write(self, record: Record, correctness: PixelCorrectness) -> None:
        """Writes both files; the JSON last, as it says that the run is finished."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / record.fingerprint
        partial = self.folder / f".{record.fingerprint}.part.npz"
        np.savez_compressed(partial, **vars(correctness))
        os.replace(partial, path.with_suffix(".npz"))
        partial = partial.with_suffix(".json")
        partial.write_text(json.dumps(asdict(record), indent=1) + "\n")
        os.replace(partial, path.with_suffix(".json"))

    def read(self, fingerprint: str) -> tuple[Record, PixelCorrectness] | None:
        """The run's record and test pixels; None where it is not finished or damaged."""
        path = self.folder / fingerprint
        try:
            record = Record(**json.loads(path.with_suffix(".json").read_text()))
            with np.load(path.with_suffix(".npz")) as arrays:
                return record, PixelCorrectness(**{name: arrays[name] for name in arrays})
        except (OSError, ValueError, TypeError, KeyError):
            return None


def outcome(variant: str, record: Record, correctness: PixelCorrectness) -> Outcome:
    """What the tables take of a record, as a run of `variant`."""
    return Outcome(
        variant=variant,
        scene=record.scene,
        seed=record.seed,
        metrics={name: record.metrics[name] for name in MEASURES},
        pixels=correctness.pixels,
        correct=correctness.correct,
        seconds=record.seconds,
        parameters=record.parameters,
        reused=record.reused,
    )
