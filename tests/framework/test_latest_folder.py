"""One folder with the results of the last run, whole or as it was."""

import os
from pathlib import Path

import pytest

from bdgf.core.errors import StorageError
from bdgf.framework.latest_folder import replace_folder


def written(folder: Path, **texts: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_it_holds_the_files_of_the_last_run_alone(tmp_path: Path) -> None:
    latest = tmp_path / "out" / "latest"
    replace_folder(latest, written(tmp_path / "one", report="1", old="1"))
    replace_folder(latest, written(tmp_path / "two", report="2"))
    assert held(latest) == {"report": "2"}
    assert [path for path in latest.parent.iterdir() if path.suffix != ".lock"] == [latest]
    assert (latest / "report").samefile(tmp_path / "two" / "report")


def test_without_links_the_files_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    replace_folder(tmp_path / "latest", written(tmp_path / "one", report="1"))
    assert held(tmp_path / "latest") == {"report": "1"}


def test_where_a_file_is_missing_the_old_folder_stays(tmp_path: Path) -> None:
    latest = tmp_path / "latest"
    replace_folder(latest, written(tmp_path / "one", report="1"))
    files = [*written(tmp_path / "two", report="2"), tmp_path / "nowhere"]
    with pytest.raises((StorageError, FileNotFoundError)):
        replace_folder(latest, files)
    assert held(latest) == {"report": "1"}
    assert not list(tmp_path.glob(".latest*.part"))
    with pytest.raises((StorageError, FileNotFoundError)):
        replace_folder(tmp_path / "never", files)
    assert not (tmp_path / "never").exists()


def test_what_a_killed_run_left_is_put_right(tmp_path: Path) -> None:
    # Between its two renames: the old folder is aside, the new one not yet there.
    written(tmp_path / ".latest.0123abcd.old", report="1")
    written(tmp_path / ".latest.0123abcd.part", report="half")
    latest = tmp_path / "latest"
    with pytest.raises((StorageError, FileNotFoundError)):
        replace_folder(latest, [tmp_path / "nowhere"])
    assert held(latest) == {"report": "1"}
    assert not list(tmp_path.glob(".latest.*.part"))
