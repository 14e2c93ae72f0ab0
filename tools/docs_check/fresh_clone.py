"""A clone of the last commit, in which pages are followed as a new user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.docs_check.blocks import Block

NOWHERE = "docs-check-has-no-scenes"
"""Where scenes are looked for beside the clone: nothing may be needed that was not made in it."""


@contextmanager
def fresh_clone(project: Path) -> Iterator[Path]:
    """Clones what is committed into a folder that is deleted afterwards.

    Args:
        project: The repository.
    """
    with TemporaryDirectory(prefix="bdgf-docs-check-") as temporary:
        clone = Path(temporary) / "bdgf"
        subprocess.run(["git", "clone", "--quiet", str(project), str(clone)], check=True)
        yield clone


def environment(clone: Path, kedro_environment: str | None) -> dict[str, str]:
    """What commands in the clone see: this Python's programs, the clone's code, no other scenes.

    Args:
        clone: The clone.
        kedro_environment: The environment of `kedro run`, such as `test` with its small settings;
            None takes the defaults, as the pages do.
    """
    told = {name: value for name, value in os.environ.items() if name != "KEDRO_ENV"}
    told |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": f"{clone / 'src'}{os.pathsep}{clone}",
        "BDGF_DATA": NOWHERE,
        "DO_NOT_TRACK": "1",
    }
    return told | ({"KEDRO_ENV": kedro_environment} if kedro_environment else {})


def follow(block: Block, clone: Path, seen: dict[str, str], seconds: float) -> str | None:
    """Does what a block asks for.

    Args:
        block: The block.
        clone: Where.
        seen: The environment of its commands.
        seconds: The longest time.

    Returns:
        None where all went well, else the end of what was printed.
    """
    if block.kind == "file":
        path = clone / block.told
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        return None
    if block.kind == "sh":
        command = ["bash", "-euo", "pipefail", "-c", block.text]
    else:
        command = [sys.executable, "-W", "ignore", "-c", block.text]
    try:
        done = subprocess.run(
            command,
            cwd=clone,
            env=seen,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return f"not done after {seconds:.0f} s"
    return None if done.returncode == 0 else f"exit code {done.returncode}\n{done.stdout[-2000:]}"
