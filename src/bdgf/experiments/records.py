"""Stored results of a run: its metrics as JSON, and its correct test pixels as NPZ."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter

from bdgf.core.errors import ArtifactError, artifact_errors
from bdgf.core.storage import writing, written_whole
from bdgf.experiments.comparison import MEASURES, Outcome

log = logging.getLogger(__name__)

_DAMAGED = "damaged"


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

    __pydantic_config__ = ConfigDict(extra="forbid")

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


_RECORD = TypeAdapter(Record)


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
        """Stores `folder`, which may not exist yet."""
        self.folder = folder

    def __contains__(self, fingerprint: str) -> bool:
        return self.read(fingerprint) is not None

    def write(self, record: Record, correctness: PixelCorrectness) -> None:
        """Writes both files, the JSON last, because it marks the run as finished.

        Raises:
            StorageError: The disk refuses.
        """
        name, path = record.fingerprint, self.folder / record.fingerprint
        with written_whole(path.with_suffix(".npz"), self.folder / f".{name}.part.npz") as partial:
            np.savez_compressed(partial, **vars(correctness))
        with written_whole(
            path.with_suffix(".json"), self.folder / f".{name}.part.json"
        ) as partial:
            partial.write_text(json.dumps(asdict(record), indent=1) + "\n")

    def read(self, fingerprint: str) -> tuple[Record, PixelCorrectness] | None:
        """The run's record and test pixels; None where it is not finished or was damaged.

        A damaged record is named in the log and moved to the folder `damaged`: its run counts as
        not done.

        Raises:
            StorageError: The disk refuses to give it.
        """
        path = self.folder / fingerprint
        try:
            with artifact_errors(str(path.with_suffix(".json")), "its run is to be done again"):
                if not path.with_suffix(".json").exists():
                    return None
                record = read_record(path.with_suffix(".json").read_bytes())
                _check(record, fingerprint)
                return record, _read_correctness(path.with_suffix(".npz"))
        except (ArtifactError, MemoryError) as error:
            self._set_aside(fingerprint)
            log.warning("%s; what is left of it: %s", error, self.folder / _DAMAGED)
            return None

    def _set_aside(self, fingerprint: str) -> None:
        with writing(self.folder):
            (self.folder / _DAMAGED).mkdir(exist_ok=True)
            for ending in (".json", ".npz"):  # the JSON first: it says that the run is finished
                path = (self.folder / fingerprint).with_suffix(ending)
                with contextlib.suppress(FileNotFoundError):
                    os.replace(path, self.folder / _DAMAGED / path.name)


def read_record(text: str | bytes) -> Record:
    """A record from its JSON.

    Raises:
        ValueError: It is not one.
    """
    return _RECORD.validate_json(text)


def _check(record: Record, fingerprint: str) -> None:
    missing = [name for name in (*MEASURES, "leakage") if name not in record.metrics]
    if record.fingerprint != fingerprint or missing:
        raise ValueError("the record of another run, or without some of its measures")


def _read_correctness(path: Path) -> PixelCorrectness:
    # By way of the archive, which compares check sums: a header that lies would make NumPy ask
    # for as much memory as it says.
    with zipfile.ZipFile(path) as archive:
        pixels, correct = (
            np.load(io.BytesIO(archive.read(f"{name}.npy"))) for name in ("pixels", "correct")
        )
    ascending = pixels.ndim == 1 and pixels.dtype == np.uint32 and (pixels[1:] > pixels[:-1]).all()
    if not ascending or correct.dtype != bool or correct.shape != pixels.shape:
        raise ValueError("its test pixels are not as they were written")
    return PixelCorrectness(pixels, correct)


def outcome(variant: str, record: Record, correctness: PixelCorrectness) -> Outcome:
    """The values of a record for the tables, as a run of `variant`."""
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
