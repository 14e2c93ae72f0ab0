"""A project of its own for a test: the real configuration and code, its own data and MLflow."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


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
        return cls(folder)

    def run(
        self,
        pipeline: str,
        env: str = "test",
        data: Path | None = None,
        below: str = ".",
        **parameters: Any,
    ) -> subprocess.CompletedProcess:
        """`kedro run` in a process of its own: MLflow keeps one run a process.

        `data` is what BDGF_DATA says; `below` is the folder of the project it is typed in.
        """
        typed = ",".join(f"{k.replace('__', '.')}={v}" for k, v in parameters.items())
        arguments = [f"--pipeline={pipeline}", f"--env={env}"]
        return self.command(
            "run", *arguments, *([f"--params={typed}"] if typed else []), data=data, below=below
        )

    def command(
        self, *arguments: str, data: Path | None = None, below: str = "."
    ) -> subprocess.CompletedProcess:
        """`kedro` with `arguments`, in a process of its own."""
        # Wide, so that a message is one line; one thread, as tests may run side by side.
        environment = {**os.environ, "COLUMNS": "400", "DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1"}
        environment.pop("BDGF_DATA", None)
        environment |= {"BDGF_DATA": str(data)} if data else {}
        return subprocess.run(
            [sys.executable, "-m", "kedro", *arguments],
            cwd=self.folder / below,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, pipeline: str, **parameters: Any) -> str:
        """Runs, expects success, returns everything that was printed."""
        result = self.run(pipeline, **parameters)
        printed = result.stdout + result.stderr
        assert result.returncode == 0, printed
        return printed

    def refused(self, pipeline: str, **parameters: Any) -> str:
        """Runs, expects failure with one line, returns that line."""
        result = self.run(pipeline, **parameters)
        assert result.returncode == 1, result.stdout + result.stderr
        assert "Traceback" not in result.stdout + result.stderr
        lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        assert len(lines) == 1, result.stderr
        return lines[0]

    def versions(self, entry: str) -> list[Path]:
        """The versions of `<layer>/<scene>/<file>`, earliest first."""
        path = self.folder / "data" / entry
        return sorted(path.glob(f"*/{path.name}"))

    def metrics(self, scene: str, version: int = -1) -> dict[str, Any]:
        path = self.versions(f"08_reporting/{scene}/metrics.json")[version]
        return json.loads(path.read_text())  # type: ignore[no-any-return]

    def files(self) -> list[Path]:
        """Every file below `data` that is no working file."""
        return [p for p in (self.folder / "data").rglob("*") if p.is_file()]
