"""What limits a cluster, measured with fake work: runs and blocks that sleep.

A simulated worker is a thread of one dask worker, which is a process of its own: what it sends goes
through a socket of this machine. What hands out the work and takes the results is what a real bench
or map uses: `run_all`, `DaskExecutor`, `stream`, `BlockFile`. The scheduler is in their process.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.request import urlopen

import numpy as np

from bdgf.experiments.dask_executor import DaskExecutor
from bdgf.experiments.executors import ExecutorOptions
from bdgf.experiments.local_executor import run_all
from bdgf.experiments.map_sketches import MapSketch
from bdgf.experiments.process import FinishedRun, RunProcess
from bdgf.experiments.records import PixelCorrectness, Record
from bdgf.experiments.run_lock import Stopping
from bdgf.experiments.suite import PlannedRun
from bdgf.experiments.worker_places import WorkerPlace
from bdgf.raster.block_file import BlockFile, Layer
from bdgf.raster.cog import MapForm, write_cog
from bdgf.raster.stream import stream
from bdgf.raster.windows import Window, blocks
from bdgf.scenes.classes import ClassTable

TESTED = 19_380
"""Test pixels whose correctness a fake run sends back: those of `coast`."""
SKETCH = (240, 320)
"""Pixels of the thinned map that it sends back."""
LAYERS = {"class_map": Layer("uint8"), "uncertainty_map": Layer("float32")}
_CLIENTS = 8
_METRICS = 20
_START_SECONDS = 120.0
_COG_CLASSES = 12


@dataclass(frozen=True)
class Throughput:
    """How fast some simulated workers were.

    Attributes:
        workers: How many.
        done: Runs or pixels that were done.
        seconds: How long that took.
        ideal: How long the workers' sleep alone would have taken.
    """

    workers: int
    done: int
    seconds: float
    ideal: float

    @property
    def rate(self) -> float:
        """Runs or pixels a second."""
        return self.done / self.seconds

    @property
    def busy(self) -> float:
        """Share of the time that a worker worked."""
        return self.ideal / self.seconds


class SleepingRun(RunProcess):
    """A run that starts no process: it sleeps on its worker, and sends back what a run sends."""

    seconds: float = 1.0

    def whole(self, stopping: Stopping) -> FinishedRun:
        """Sleeps; its results are as large as those of a real run."""
        time.sleep(self.seconds)
        return fake_result(self.run)


def fake_result(run: PlannedRun) -> FinishedRun:
    """Results of the size of real ones."""
    record = Record(
        *(run.fingerprint, run.scene, run.seed, "bdgf", run.params, {"overall_accuracy": 0.5}),
        *({"name": "official"}, 1.0, 1, 1, False, "none", "0", "now"),
    )
    rng = np.random.default_rng(run.seed)
    pixels = PixelCorrectness(np.arange(TESTED, dtype=np.uint32), rng.random(TESTED) < 0.9)
    ids = rng.integers(1, 4, SKETCH).astype(np.uint8)
    return FinishedRun(record, pixels, MapSketch(ids, ids, ClassTable.of(["water"]), None))


@contextmanager
def simulated_workers(count: int) -> Iterator[Any]:
    """A client of `count` simulated workers."""
    import distributed

    cluster = distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=count,
        host="127.0.0.1",
        memory_limit=None,
        dashboard_address=None,
    )
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        client.submit(np.zeros, 1).result()
        yield client


def suite(workers: int, seconds: float, rounds: int) -> Throughput:
    """Runs of `seconds` each, `rounds` for each worker."""
    runs = [PlannedRun("s", "r", "demo", n, {}, f"f{n}", None) for n in range(workers * rounds)]
    with simulated_workers(workers) as client, tempfile.TemporaryDirectory() as folder:
        ((address, _),) = client.nthreads().items()
        places = {address: WorkerPlace(socket.gethostname(), workers, True, {})}
        options = ExecutorOptions("dask", jobs=workers, scheduler=address)
        executor = DaskExecutor(client, options, places)

        def work(run: PlannedRun, stopping: Event) -> None:
            process = SleepingRun(run, Path(folder) / run.fingerprint, None, 1, "none")
            process.seconds = seconds  # of the object: it goes to the worker
            executor.finish(process, stopping)

        run_all(runs[:2], 1, work)  # the worker imports what it needs
        begun = time.monotonic()
        run_all(runs, executor.slots, work)
        return Throughput(workers, len(runs), time.monotonic() - begun, rounds * seconds)


@dataclass(frozen=True)
class SleepingBlock:
    """A block whose worker sleeps as long as a real one computes."""

    seconds_a_pixel: float

    def __call__(self, window: Window) -> dict[str, np.ndarray]:
        """The layers of a map."""
        height, width = window.shape
        time.sleep(height * width * self.seconds_a_pixel)
        return {
            "class_map": np.full((height, width), 3, np.uint8),
            "uncertainty_map": np.full((height, width), 0.5, np.float32),
        }


def mapping(workers: int, seconds_a_pixel: float, side: int, rounds: int) -> Throughput:
    """A map in blocks of `side` pixels, `rounds` for each worker."""
    shape = (side, side * workers * rounds)
    cut = list(blocks(shape, side))
    step = SleepingBlock(seconds_a_pixel)
    with simulated_workers(workers) as client, tempfile.TemporaryDirectory() as folder:
        executor = client.get_executor(pure=False)
        file = BlockFile(Path(folder) / "map", shape, LAYERS, len(cut), "fake")
        begun = time.monotonic()
        stream(cut, step, file, executor, workers=workers)
        took = time.monotonic() - begun
    ideal = rounds * side * side * seconds_a_pixel
    return Throughput(workers, shape[0] * shape[1], took, ideal)


def cog_seconds_a_pixel(side: int) -> float:
    """Time that one process takes to write both maps of a scene, a pixel."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(1, _COG_CLASSES + 1, (side // 8, side // 8)).astype(np.uint8)
    ids = np.kron(coarse, np.ones((8, 8), np.uint8))
    doubt = rng.random((side, side), dtype=np.float32)
    names = {n: (f"class {n}", "#102030") for n in range(1, _COG_CLASSES + 1)}
    forms = [
        (MapForm("uint8", ids.shape, 0, classes=names), ids),
        (MapForm("float32", doubt.shape, float("nan")), doubt),
    ]
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        for number, (form, values) in enumerate(forms):
            rows = iter([(slice(0, side), values[None])])
            write_cog(Path(folder) / f"{number}.tif", form, rows)
        return (time.monotonic() - begun) / ids.size


@contextmanager
def mlflow_server(backend: str | None) -> Iterator[str]:
    """An MLflow server on this machine, on SQLite or on the database at `backend`."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        store = backend or f"sqlite:///{folder}/mlflow.db"
        told = ["--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", store]
        command = [sys.executable, "-m", "mlflow", "server", *told]
        with (
            (Path(folder) / "said.txt").open("w") as said,
            subprocess.Popen(
                [*command, "--artifacts-destination", folder], stdout=said, stderr=said, cwd=folder
            ) as server,
        ):
            try:
                uri, until = f"http://127.0.0.1:{port}", time.monotonic() + _START_SECONDS
                while not _answers(uri):
                    if server.poll() is not None or time.monotonic() > until:
                        raise SystemExit((Path(folder) / "said.txt").read_text())
                    time.sleep(0.2)
                yield uri
            finally:
                server.terminate()


def tracking_requests(uri: str, seconds: float) -> float:
    """Requests a second that a server answers: batches of metrics from several clients."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # as in the project
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    experiment = MlflowClient(uri).create_experiment(f"fake {time.time()}")
    clients = [MlflowClient(uri) for _ in range(_CLIENTS)]
    runs = [client.create_run(experiment).info.run_id for client in clients]
    begin = time.monotonic()

    def log_on(client: MlflowClient, run: str) -> int:
        step = 0
        while not step or time.monotonic() < begin + seconds:
            now, step = int(time.time() * 1000), step + 1
            client.log_batch(run, [Metric(f"m{n}", 0.5, now, step) for n in range(_METRICS)])
        return step

    with ThreadPoolExecutor(_CLIENTS) as pool:
        answered = sum(pool.map(log_on, clients, runs))
    return answered / (time.monotonic() - begin)


def _answers(uri: str) -> bool:
    try:
        with urlopen(f"{uri}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
