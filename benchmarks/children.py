"""Measurements in processes of their own: peak memory, start-up, settings read at start."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def clean_up_when_ended() -> None:
    """Lets SIGTERM end this process as Ctrl-C does: children and temporary folders go with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def run_child(module: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """Runs `python -m module arguments` and returns the JSON of the last line that it prints.

    Args:
        module: A module of this package.
        arguments: Its arguments.
        environment: Environment variables on top of this process's.
    """
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    done = subprocess.run(
        command,
        env=child_environment(environment),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def child_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, quiet, with this package and `bdgf` to be found."""
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "DO_NOT_TRACK": "1",
        **(more or {}),
    }


def peak_bytes() -> int:
    """The most memory that this process ever held resident.

    From the kernel's own figure where there is one: `ru_maxrss` may be that of the parent.
    """
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return 1024 * int(found[1])
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
