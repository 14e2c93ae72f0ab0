"""What Kedro, MLflow, files and start-up cost: imports, a pipeline that does nothing, the demo.

`python -m benchmarks.overhead <pipeline>` runs a pipeline in the working directory's project and
prints where its time went.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Nothing heavy: the child that is measured imports this module.
from benchmarks.children import ROOT, child_environment
from benchmarks.comparison import FEW_ROUNDS, Comparison

MOST_PERCENT = 15
NO_OP_SECONDS, VERSION_SECONDS, IMPORT_SECONDS, DEMO_SECONDS = 3.0, 1.0, 0.2, 75
IMPORTS = ("torch", "bdgf.pipeline_registry", "bdgf.settings", "kedro.framework.session", "mlflow")
OWN = "bdgf"
DEMO = "demo"


def compare(folder: Path) -> list[Comparison]:
    """Imports, the pipeline that does nothing, and the demo's full run.

    Args:
        folder: Where the demo's project is made and left.
    """
    project = folder / "no_op"
    make_project(project)
    return [*imports(), version(project), no_op(project), *demo(folder / DEMO)]


def imports() -> list[Comparison]:
    """Import times, each in a new process."""
    task = "imports, each in a new process"
    return [
        Comparison(task, "s", _import_seconds(*IMPORTS), rivals=False),
        Comparison("the same, the package alone", "s", _import_seconds(OWN), limit=IMPORT_SECONDS),
    ]


def _import_seconds(*modules: str) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {f"`import {name}`": [] for name in modules}
    for _ in range(FEW_ROUNDS):
        for name in modules:
            clock = "time.perf_counter()"
            script = f"import time; s = {clock}; import {name}; print({clock} - s)"
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", script],
                env=child_environment(), capture_output=True, text=True, check=True,
            )  # fmt: skip
            values[f"`import {name}`"].append(float(done.stdout.splitlines()[-1]))
    return values


def version(folder: Path) -> Comparison:
    """`kedro --version` in a project."""
    command = [str(Path(sys.executable).with_name("kedro")), "--version"]
    values = {"`kedro --version`": [_seconds(command, folder) for _ in range(FEW_ROUNDS)]}
    return Comparison("a command that only answers", "s", values, limit=VERSION_SECONDS)


def no_op(folder: Path) -> Comparison:
    """`kedro run` of a pipeline that does nothing, beside what a bare interpreter takes."""
    values: dict[str, list[float]] = {
        "`python -c pass`": [],
        "`kedro run`, no MLflow database yet": [],
        "`kedro run`": [],
    }
    for _ in range(FEW_ROUNDS):
        (folder / "mlflow.db").unlink(missing_ok=True)
        commands = (["-c", "pass"], *2 * (["-m", "benchmarks.overhead", "no_op"],))
        for name, command in zip(values, commands, strict=True):
            seconds = _seconds([sys.executable, "-W", "ignore", *command], folder)
            values[name].append(seconds)
    task = "a pipeline that does nothing, whole process"
    return Comparison(task, "s", values, limit=NO_OP_SECONDS)


def _seconds(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=child_environment(), capture_output=True, check=True)
    return time.perf_counter() - start


def demo(folder: Path) -> list[Comparison]:
    """The demo's full run in a fresh project: its time, and the share that is no science."""
    make_project(folder)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.overhead", "full"],
        cwd=folder, env=child_environment(), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    wall = time.perf_counter() - start
    found = json.loads(done.stdout.splitlines()[-1])
    science = found["nodes"] - found["within"]
    parts = {
        "start-up, imports, end": wall - found["session"],
        "Kedro, MLflow and files between nodes": found["session"] - found["nodes"],
        "MLflow and files within nodes": found["within"],
        "all of it": wall - science,
    }
    share = Comparison(
        "the demo's full run: time that is no science",
        "% of wall time",
        {name: [100 * seconds / wall] for name, seconds in parts.items()},
        limit=MOST_PERCENT,
        rivals=False,
        note="Measured once, in a fresh project, settings of `conf/base`. Within the nodes, "
        "MLflow's logging, running checkpoints and reading and writing the feature cube count as "
        "no science. The rows are parts of the last.",
        details={"wall": wall, **found},
    )
    whole = {"`kedro run --pipeline=full`": [wall]}
    return [Comparison("the demo's full run", "s", whole, limit=DEMO_SECONDS), share]


def make_project(folder: Path) -> None:
    """A folder in which `kedro run` works as in a fresh clone."""
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    (folder / "conf" / "local").mkdir()
    (folder / "src").mkdir()  # Kedro wants it; the installed package is what runs
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, folder / name)


def latest(folder: Path, name: str) -> Path:
    """The latest version of weights that the demo's run left."""
    models = folder / DEMO / "data" / "06_models" / "demo"  # some lie in a folder of their seed
    return sorted(models.glob(f"**/{name}.safetensors/*/*.safetensors"))[-1]


def run_project(name: str) -> dict[str, float]:
    """Runs a pipeline; the seconds of the session, of all nodes, and of logging within them."""
    from kedro.framework.startup import bootstrap_project

    from bdgf.framework.session import ModelSession

    bootstrap_project(Path.cwd())
    if name == "no_op":
        register_no_op(name)
    within = Stopwatch()
    start = time.perf_counter()
    # That of `kedro run`: Kedro's own runs nodes too whose output was not asked for.
    with ModelSession.create(Path.cwd()) as session, node_times() as nodes:
        if name == "full":
            watch_logging(within)
        session.run(pipeline_names=[name])
    session_seconds = time.perf_counter() - start
    return {"session": session_seconds, "nodes": nodes.seconds, "within": within.seconds}


def register_no_op(name: str) -> None:
    """Adds a pipeline of one node that does nothing to those of the project."""
    from kedro.pipeline import Pipeline, node

    from bdgf import pipeline_registry

    others = pipeline_registry.register_pipelines
    nothing = Pipeline([node(_nothing, None, "nothing", name=name)])
    pipeline_registry.register_pipelines = lambda: {**others(), name: nothing}


def _nothing() -> str:
    return ""


class Stopwatch:
    """Adds up the time spent in what it wraps; calls within calls count once."""

    def __init__(self) -> None:
        self.seconds, self._depth = 0.0, 0

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*arguments: Any, **named: Any) -> Any:
            self._depth += 1
            start = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.perf_counter() - start

        return timed


@contextmanager
def node_times() -> Iterator[Stopwatch]:
    """Times the functions of all nodes, loading and saving apart."""
    from kedro.pipeline.node import Node

    watch = Stopwatch()
    plain = Node.run
    Node.run = watch.wrap(plain)  # type: ignore[method-assign]
    try:
        yield watch
    finally:
        Node.run = plain  # type: ignore[method-assign]


def watch_logging(watch: Stopwatch) -> None:
    """Times MLflow, checkpoints and the feature cube's file within the nodes."""
    from bdgf.features.cube import FeatureCube
    from bdgf.features.cube_writer import FeatureCubeWriter
    from bdgf.framework.mlflow_logger import MlflowMetricLogger
    from bdgf.training import loop

    for owner, name in (
        (MlflowMetricLogger, "log"),
        (loop, "save_checkpoint"),
        (loop, "load_checkpoint"),
        (FeatureCube, "read"),
        (FeatureCubeWriter, "write"),
        (FeatureCubeWriter, "finish"),
    ):
        setattr(owner, name, watch.wrap(getattr(owner, name)))


if __name__ == "__main__":
    print(json.dumps(run_project(sys.argv[1])))
