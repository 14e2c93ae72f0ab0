"""Hard links between files of equal bytes."""

import os
from pathlib import Path

import pytest

from bdgf.core.hard_links import link_if_equal


def two(folder: Path, one: bytes, other: bytes) -> tuple[Path, Path]:
    known, file = folder / "known", folder / "file"
    known.write_bytes(one)
    file.write_bytes(other)
    return known, file


def test_equal_files_become_one_and_others_stay_apart(tmp_path: Path) -> None:
    known, file = two(tmp_path, b"same", b"same")
    link_if_equal(known, file)
    assert file.samefile(known)
    link_if_equal(known, file)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "known"]
    apart = tmp_path / "apart"
    apart.mkdir()
    known, file = two(apart, b"same", b"else")
    link_if_equal(known, file)
    assert file.read_bytes() == b"else"
    link_if_equal(tmp_path / "nowhere", file)
    assert file.read_bytes() == b"else"


def test_where_links_cannot_be_the_copy_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no hard links here")

    known, file = two(tmp_path, b"same", b"same")
    monkeypatch.setattr(os, "link", refuse)
    link_if_equal(known, file)
    assert file.read_bytes() == b"same"
    assert not file.samefile(known)
