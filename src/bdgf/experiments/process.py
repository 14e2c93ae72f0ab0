"""One run of the bench, in its own process and folder."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bdgf import __version__
from bdgf.core.digests import DigestError, check_digests
from bdgf.core.storage import writing
from bdgf.experiments.comparison import MEASURES
from bdgf.experiments.damage_table import damaged_metrics
from bdgf.experiments.map_sketches import MapSketch
from bdgf.experiments.records import PixelCorrectness, Record
from bdgf.experiments.run_lock import POLL_SECONDS, StoppedWaiting, Stopping, alone_in_run
from bdgf.experiments.suite import PlannedRun
from bdgf.experiments.watched_run import LAST_SECONDS
from bdgf.splits.parts import TEST

WATCHED_RUN = "bdgf.experiments.watched_run"
_PASSED_ON = ("BDGF_DATA", "KEDRO_ENV", "DO_NOT_TRACK")
"""Variables of the bench that its runs see on other machines too."""


class RunFailed(Exception):  # noqa: N818 - names the event
    """A run ended without its metrics; the message says why and where its log is."""


class RunStopped(RunFailed):
    """A run was ended because the bench is."""


@dataclass(frozen=True)
class FinishedRun:
    """What a run came to.

    Attributes:
        record: Its figures.
        correctness: Which test pixels were classified right.
        sketch: Its map, thinned.
    """

    record: Record
    correctness: PixelCorrectness
    sketch: MapSketch


class RunProcess:
    """A run as a process: `kedro run` up to the metrics, nothing of it in the user's folders.

    Attributes:
        run: The run.
        folder: Its folder; deleted when the run was recorded.
        log: File of all that it prints.
        lock: File that is locked while a process of the run is there.
    """

    def __init__(
        self,
        run: PlannedRun,
        folder: Path,
        env: str | None,
        threads: int,
        mlflow_run: str,
        project: Path | None = None,
    ) -> None:
        """Prepares the run.

        Args:
            run: The run.
            folder: Folder for everything that it writes.
            env: Kedro's environment; None for the default one.
            threads: Threads that it may compute on; 0 leaves that to the libraries.
            mlflow_run: Id of the MLflow run to write to.
            project: The project's folder, where another process than this one is to start the run;
                None for the working directory.
        """
        self.run, self._project = run, project
        self.folder = folder if project is None else project / folder
        self.log, self.lock = self.folder / "log.txt", self.folder / "lock"
        self._env, self._threads, self._mlflow_run = env, threads, mlflow_run
        self._passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}

    def whole(self, stopping: Stopping) -> FinishedRun:
        """Runs to the end and reads all that the bench keeps of it; raises as `finish` does."""
        record, correctness = self.finish(stopping)
        return FinishedRun(record, correctness, self.map_sketch())

    def finish(self, stopping: Stopping) -> tuple[Record, PixelCorrectness]:
        """Runs to the end and reads the result.

        A folder left by a killed bench is resumed: its training continues from its checkpoint. If a
        process of that run is still saving it, this one waits.

        Args:
            stopping: Tells that the process is to be ended.

        Raises:
            RunFailed: The process failed.
            RunStopped: It was ended.
            StorageError: The disk refuses the run's folder.
        """
        with writing(self.lock):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.lock.touch()
        try:
            with alone_in_run(self.lock, stopping) as lock:
                return self._finish(lock, stopping)
        except StoppedWaiting as error:
            raise RunStopped("stopped") from error

    def _finish(self, lock: int, stopping: Stopping) -> tuple[Record, PixelCorrectness]:
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)  # versions of a run that did not end
        command = self.folder / "run.json"  # YAML too
        with writing(command):
            command.write_text(json.dumps({"run": self._options(data)}, indent=1) + "\n")
        started = time.monotonic()
        with self.log.open("w") as log:
            code = self._wait(self._start(command, log, lock), stopping)
        seconds = time.monotonic() - started
        printed = self.log.read_text()
        if code:
            raise RunFailed(f"{_reason(printed, code)}; see {self.log}")
        return self._result(data, seconds)

    def map_sketch(self) -> MapSketch:
        """The map of a run that has finished, thinned."""
        import xarray as xr

        path = _version(self.folder / "data", "predictions.nc")
        with xr.open_dataset(path, engine="h5netcdf", decode_coords="all") as predictions:
            return MapSketch.of(predictions)

    def clear(self) -> None:
        """Deletes the run's folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _options(self, data: Path) -> dict[str, Any]:
        places = {"data_folder": str(data), "working_folder": str(self.folder / "working")}
        # Up to the metrics: maps and figures of all these runs would be looked at by nobody.
        return {
            "pipeline": "full",
            "to_outputs": "metrics",
            "params": {**self.run.params, **places},
        }

    def _start(self, command: Path, log: Any, lock: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._arguments(command),
            stdin=subprocess.PIPE,  # closed by the system when this process ends, however it does
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self._environment(),
            cwd=self._project,
            pass_fds=[lock],  # held until the run is gone, though this process may be killed
            start_new_session=True,  # a group of its own: what it starts is ended with it
        )

    def _arguments(self, command: Path) -> list[str]:
        arguments = [sys.executable, "-m", WATCHED_RUN, "run", "--config", str(command)]
        return [*arguments, *(["--env", self._env] if self._env else [])]

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, **self._passed_on}
        environment |= {"COLUMNS": "200", "MLFLOW_RUN_ID": self._mlflow_run}
        if self._threads:
            # PyTorch and NumPy; Numba; joblib, which scikit-learn runs on.
            names = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
            environment |= dict.fromkeys(names, str(self._threads))
        return environment

    def _wait(self, process: subprocess.Popen[bytes], stopping: Stopping) -> int:
        with process:
            try:
                while process.poll() is None:
                    if stopping.wait(POLL_SECONDS):
                        raise RunStopped("stopped")
            except BaseException:
                _end(process)
                raise
        return process.returncode

    def _result(self, data: Path, seconds: float) -> tuple[Record, PixelCorrectness]:
        metrics = json.loads(_version(data, "metrics.json").read_text())
        return self._record(metrics, seconds), self._correctness(data)

    def _record(self, metrics: Mapping[str, Any], seconds: float) -> Record:
        return Record(
            fingerprint=self.run.fingerprint,
            scene=self.run.scene,
            seed=self.run.seed,
            model=metrics["model"],
            params=self.run.params,
            metrics={
                **{name: metrics[name] for name in (*MEASURES, "leakage")},
                **damaged_metrics(metrics.get("damaged", {})),
            },
            split=metrics["split"],
            seconds=round(seconds, 2),
            threads=self._threads,
            parameters=metrics.get("parameters"),
            reused=False,  # its MLflow run knows
            mlflow_run=self._mlflow_run,
            version=__version__,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _correctness(self, data: Path) -> PixelCorrectness:
        import rasterio
        import xarray as xr

        split, path = _version(data, "split.tif"), _version(data, "predictions.nc")
        try:
            check_digests([split])
            check_digests([path])
        except DigestError as error:
            raise RunFailed(str(error)) from error
        with rasterio.open(split) as source:
            pixels = np.flatnonzero(source.read(1) == TEST)
        with xr.open_dataset(path, engine="h5netcdf") as predictions:
            probabilities = predictions["probabilities"].to_numpy()
            truth = predictions["labels"].to_numpy().ravel()[pixels]
        predicted = probabilities.reshape(len(probabilities), -1)[:, pixels].argmax(axis=0) + 1
        return PixelCorrectness(pixels.astype(np.uint32), predicted == truth)


def _end(process: subprocess.Popen[bytes]) -> None:
    # Gives a run the time to save its checkpoint, then ends it with all that it started.
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(LAST_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left
        os.killpg(process.pid, signal.SIGKILL)


def _version(data: Path, name: str) -> Path:
    """The newest version of the artifact of a run whose data has a folder of its own."""
    return max(data.glob(f"**/{name}/*/{name}"))


def _reason(printed: str, code: int) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    told = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    return told[-1] if told else f"exit {code}, last line: {lines[-1] if lines else 'none'}"
