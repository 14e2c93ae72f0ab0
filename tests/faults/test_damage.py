"""Damages change a file where they say, and nothing else."""

from pathlib import Path
from random import Random

import pytest

from tests.faults.damage import FLIPS, damage_file

SIZE = 1000


@pytest.mark.parametrize("damage", FLIPS)
@pytest.mark.parametrize("size", [1, SIZE])
def test_a_flip_changes_one_byte(tmp_path: Path, damage: str, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(before := bytes(size))
    said = damage_file(path, damage, Random(0))
    changed = [n for n, (a, b) in enumerate(zip(before, path.read_bytes(), strict=True)) if a != b]
    assert len(changed) == 1
    assert f"byte {changed[0]} of {size}" in said


def test_the_edges_are_hit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for damage, near in (("flip-first", range(64)), ("flip-last", range(SIZE - 64, SIZE))):
        path.write_bytes(bytes(SIZE))
        damage_file(path, damage, Random(3))
        assert next(n for n, byte in enumerate(path.read_bytes()) if byte) in near


def test_cuts_shorten(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(SIZE))
    damage_file(path, "cut", Random(0))
    assert 0 <= path.stat().st_size < SIZE
    damage_file(path, "emptied", Random(0))
    assert path.stat().st_size == 0
