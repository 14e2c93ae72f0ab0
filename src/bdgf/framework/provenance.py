"""Provenance of a run: the typed command, the program, the project's commit."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click

_GIT_SECONDS = 5.0
"""Longest that git is waited for: a repository may lie on a slow disk."""


def typed_command() -> str | None:
    """The command that started this process; None if it is not a shell command."""
    if click.get_current_context(silent=True) is None:  # a notebook, or a program of one's own
        return None
    spec = getattr(sys.modules["__main__"], "__spec__", None)  # of `python -m`
    module = [] if spec is None else ["python", "-m", spec.name.removesuffix(".__main__")]
    return shlex.join([*(module or [Path(sys.argv[0]).name]), *sys.argv[1:]])


def kedro_program() -> str:
    """`kedro` as it can be typed here: with its folder where the shell would not find it."""
    own = Path(sys.executable).parent / "kedro"
    found = shutil.which("kedro")
    if found is not None and Path(found) == own:
        return "kedro"
    here = Path.cwd()
    if not own.exists():
        return f"{sys.executable} -m kedro"
    return str(own.relative_to(here) if own.is_relative_to(here) else own)


def git_commit(project: Path) -> tuple[str, bool] | None:
    """The commit that a project is at.

    Args:
        project: Its folder.

    Returns:
        The commit's hash, and whether files that git knows are not as committed; None where there
        is no repository, no commit or no git.
    """
    try:
        commit = _git(project, "rev-parse", "HEAD")
        changed = _git(project, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit, bool(changed)


def _git(project: Path, *arguments: str) -> str:
    asked = ["git", "-C", str(project), *arguments]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=_GIT_SECONDS)
    return done.stdout.strip()
