"""A project of its own for a test: the real configuration and code, its own data and MLflow."""

import atexit
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bdgf.core.errors import UserError
from tests.pipelines.command_line import Outcome, kedro

ROOT = Path(__file__).resolve().parents[2]
# Wide, so that a message is one line; one thread, as tests may run side by side.
ENVIRONMENT = {"COLUMNS": "400", "DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1"}


@cache
def empty_database() -> Path:
    """An MLflow database without runs; to make one takes seconds, to copy one does not."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    folder = Path(tempfile.mkdtemp(prefix="bdgf-mlflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "mlflow.db"
    SqlAlchemyStore(f"sqlite:///{path}", (folder / "mlruns").as_uri())
    # Its own experiment would keep the artifacts of all projects in this folder.
    with sqlite3.connect(path) as database:
        database.execute("delete from experiments")
    return path


@dataclass(frozen=True)
class Project:
    """A folder in which `kedro run` works as in a fresh clone."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> "Project":
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
        (folder / "conf" / "local").mkdir()
        for name in ("pyproject.toml", ".telemetry"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "src").mkdir()  # Kedro wants it; the installed package is what runs
        shutil.copy(empty_database(), folder / "mlflow.db")
        return cls(folder)

    def run(
        self, pipeline: str, data: Path | None = None, below: str = ".", **parameters: Any
    ) -> Outcome:
        """`kedro run` in this process.

        `data` is what BDGF_DATA says; `below` is the folder of the project it is typed in.
        """
        return self.command("run", *typed(pipeline, **parameters), data=data, below=below)

    def command(self, *arguments: str, data: Path | None = None, below: str = ".") -> Outcome:
        """`kedro` with `arguments`, in this process."""
        # MLflow keeps a store for each URI: a relative one would be that of the first project.
        store = f"server: {{mlflow_tracking_uri: 'sqlite:///{self.folder / 'mlflow.db'}'}}\n"
        (self.folder / "conf" / "test" / "mlflow.yml").write_text(store)
        environment = {**ENVIRONMENT, "BDGF_DATA": str(data) if data else None}
        return kedro(list(arguments), self.folder / below, environment)

    def process(self, module: str, *arguments: str, below: str = ".") -> subprocess.Popen[str]:
        """`python -m <module>` with `arguments`, in a separate process.

        For the few tests of what only a process can show: it takes seconds to start.
        """
        environment = {**os.environ, **ENVIRONMENT}
        environment.pop("BDGF_DATA", None)
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder / below,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def done(self, pipeline: str, **parameters: Any) -> str:
        """Runs, expects success, returns everything that was logged and printed."""
        result = self.run(pipeline, **parameters)
        assert result.code == 0, result.printed
        return result.printed

    def refused(
        self, pipeline: str, error: type[UserError], *words: str, **parameters: Any
    ) -> None:
        """Runs, expects the user's mistake `error`, told in one line that holds all `words`."""
        result = self.run(pipeline, **parameters)
        assert result.code == 1, result.printed
        assert type(result.mistake) is error, result.printed
        assert "Traceback" not in result.printed
        (line,) = [line for line in result.stderr.splitlines() if line]
        assert line.startswith("Error: ")
        assert [word for word in words if word not in line] == [], line

    def versions(self, entry: str) -> list[Path]:
        """The versions of `<layer>/<scene>/<file>`, earliest first, of every seed and model.

        `<layer>/<scene>/<folder>/<file>` means those below that folder alone.
        """
        layer, scene, *folder, name = entry.split("/")
        below = self.folder.joinpath("data", layer, f"{scene}@test", *folder)
        return sorted(below.glob(f"**/{name}/*/{name}"), key=lambda path: path.parent.name)

    def metrics(self, scene: str, version: int = -1) -> dict[str, Any]:
        path = self.versions(f"08_reporting/{scene}/metrics.json")[version]
        return json.loads(path.read_text())  # type: ignore[no-any-return]

    def files(self) -> list[Path]:
        """Every file below `data` that is no working file."""
        return sorted(p for p in (self.folder / "data").rglob("*") if p.is_file())

    def mlflow_runs(self) -> list[tuple[str, str]]:
        """Ids and states of the runs that MLflow shows, the latest first."""
        if not (self.folder / "mlflow.db").exists():
            return []
        return self.query(
            "select run_uuid, status from runs where lifecycle_stage = 'active' "
            "order by start_time desc"
        )

    def query(self, sql: str, *values: Any) -> list[Any]:
        """Rows of the project's MLflow database."""
        with sqlite3.connect(self.folder / "mlflow.db") as database:
            return database.execute(sql, values).fetchall()


def typed(pipeline: str, up_to: str | None = None, **parameters: Any) -> list[str]:
    """Arguments of `kedro run`.

    Args:
        pipeline: The pipeline.
        up_to: What it is to end with; None for all that the pipeline makes.
        parameters: Of the run; `__` in a name stands for a dot.
    """
    arguments = [f"--pipeline={pipeline}", "--env=test"]
    arguments += [f"--to-outputs={up_to}"] if up_to else []
    params = ",".join(f"{name.replace('__', '.')}={value}" for name, value in parameters.items())
    return [*arguments, *([f"--params={params}"] if params else [])]
