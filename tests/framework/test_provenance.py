"""The command as it was typed, and the project's commit."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from bdgf.framework.provenance import git_commit, kedro_program, typed_command


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True)
    return done.stdout.decode().strip()


def test_the_commit_and_whether_files_have_changed(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
    git(tmp_path, "init")
    assert git_commit(tmp_path) is None  # no commit yet
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "not_known_to_git").touch()
    assert git_commit(tmp_path) == (commit, False)
    (tmp_path / "a").write_text("2")
    assert git_commit(tmp_path) == (commit, True)


def test_without_git_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_commit(tmp_path) is None


@pytest.mark.parametrize(
    ("module", "program"),
    [(None, "kedro"), ("kedro.__main__", "python -m kedro"), ("a.b", "python -m a.b")],
)
def test_the_command_is_told_as_a_shell_takes_it(
    module: str | None, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert typed_command() is None
    spec = None if module is None else SimpleNamespace(name=module)
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__spec__=spec))  # type: ignore[misc]
    monkeypatch.setattr(sys, "argv", ["/bin/kedro", "run", "--params", "features.timesteps=[1, 2]"])
    with click.Context(click.Command("kedro")):
        assert typed_command() == f"{program} run --params 'features.timesteps=[1, 2]'"


def test_the_program_can_be_typed_as_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("python", "kedro"):
        (folder / name).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(folder))
    assert kedro_program() == "kedro"
    monkeypatch.setenv("PATH", "")
    assert kedro_program() == ".venv/bin/kedro"
    monkeypatch.chdir(folder.parent.parent.parent)
    (folder / "kedro").unlink()
    assert kedro_program() == f"{folder}/python -m kedro"
