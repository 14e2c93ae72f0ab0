"""The cache of costly artifacts: shared by processes, bounded, safe against killed ones."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bdgf.core.artifact_cache import ArtifactCache

HOLDER = """
import sys, time
from pathlib import Path
from bdgf.core.artifact_cache import ArtifactCache

with ArtifactCache(Path(sys.argv[1]), 3).claim("aa") as place:
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
    if not place.with_suffix(".txt").exists():
        place.with_suffix(".txt").write_text("made by the first")
"""


def holder(folder: Path, seconds: float) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder, str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def make(cache: ArtifactCache, name: str, age: float = 0) -> Path:
    with cache.claim(name) as place:
        path = place.with_suffix(".txt")
        path.write_text(name)
    if age:
        os.utime(path, (time.time() - age,) * 2)
    return path


def test_the_second_waits_and_finds_what_the_first_made(tmp_path: Path, caplog) -> None:
    caplog.set_level("INFO")
    first = holder(tmp_path, 0.5)
    with ArtifactCache(tmp_path, 3).claim("aa") as place:
        assert place.with_suffix(".txt").read_text() == "made by the first"
    assert "waiting for another process" in caplog.text
    assert first.wait() == 0


def test_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    killed = holder(tmp_path, 600)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    with ArtifactCache(tmp_path, 3).claim("aa") as place:
        assert not place.with_suffix(".txt").exists()


def test_those_used_last_are_kept_with_all_their_files(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, 2)
    paths = [make(cache, name, age) for name, age in (("aa", 300), ("bb", 200))]
    companion = paths[0].with_suffix(".json")
    companion.write_text("{}")
    os.utime(companion, (time.time() - 300,) * 2)
    with cache.claim("bb"):
        pass  # used again
    last = make(cache, "cc")
    assert [path.exists() for path in (*paths, companion, last)] == [False, True, False, True]


def test_what_is_in_use_is_not_deleted(tmp_path: Path) -> None:
    old = make(ArtifactCache(tmp_path, 9), "aa", age=300)
    first = holder(tmp_path, 1.0)
    make(ArtifactCache(tmp_path, 1), "bb")
    assert old.exists()
    assert first.wait() == 0


def test_a_block_that_fails_frees_the_artifact(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, 1)
    with pytest.raises(RuntimeError), cache.claim("aa"):
        raise RuntimeError
    assert make(cache, "aa").exists()


def test_who_need_not_wait_gets_files_of_its_own(tmp_path: Path) -> None:
    first, cache = holder(tmp_path, 1.0), ArtifactCache(tmp_path, 9)
    with cache.claim_free("aa") as second, cache.claim_free("aa") as third:
        assert [place.name for place in (second, third)] == ["aa-1", "aa-2"]
    first.kill()
    first.wait()
    with cache.claim_free("aa") as place:
        assert place == tmp_path / "aa"


def test_files_that_nobody_goes_on_with_are_bounded_however_blocks_end(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, 2)
    for number in range(5):
        with suppress(RuntimeError), cache.claim_free(f"a{number}") as place:
            place.with_suffix(".ckpt").touch()
            os.utime(place.with_suffix(".ckpt"), (number, number))
            raise RuntimeError
    left = sorted(path.stem for path in tmp_path.glob("*.ckpt"))
    assert left == ["a2", "a3", "a4"]
