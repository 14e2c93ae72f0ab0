"""What goes wrong in a reader's own process is one line here."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from bdgf.core.errors import SceneError
from bdgf.scenes.readers import isolation
from bdgf.scenes.readers.isolation import read_isolated, read_raw
from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.reading_limits import ReadingLimits, ReadingSettings
from bdgf.scenes.readers.registry import read_array
from tests.data.fabricate import write_raster

CUBE = np.random.default_rng(0).normal(size=(40, 30, 6)).astype(np.float32)
LIMITS = ReadingLimits(most_bytes=2**28, seconds=30.0)


def test_it_reads_what_the_reader_reads(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", CUBE)
    here, there = read_array(tmp_path / "a.tif"), read_isolated(tmp_path / "a.tif", None, LIMITS)
    np.testing.assert_array_equal(there.values, here.values)
    assert there.values.strides == here.values.strides
    assert there.axes == here.axes


def test_relative_paths_and_the_readers_words_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    savemat(tmp_path / "a.mat", {"v": CUBE})
    monkeypatch.chdir(tmp_path)
    assert read_isolated(Path("a.mat"), "v", LIMITS).values.shape == CUBE.shape
    with pytest.raises(VariableError, match=r"has no variable 'w'.*it holds: v"):
        read_isolated(Path("a.mat"), "w", LIMITS)
    with pytest.raises(SceneError, match=r"nowhere\.tif"):
        read_isolated(Path("nowhere.tif"), None, LIMITS)


def test_a_size_above_the_limit_is_refused_there(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", CUBE)
    with pytest.raises(SceneError, match=r"ingest\.most_gib"):
        read_raw(tmp_path / "a.tif", None, ReadingSettings(most_gib=1e-6))


def test_a_file_that_never_ends_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tif")  # opening it waits for a writer
    limits = ReadingLimits(most_bytes=2**20, seconds=0.2)
    with pytest.raises(SceneError, match=r"longer than 0\.2 seconds.*ingest\.most_seconds"):
        read_isolated(tmp_path / "a.tif", None, limits)
    write_raster(tmp_path / "b.tif", CUBE)  # and the next file is read
    assert read_isolated(tmp_path / "b.tif", None, LIMITS).values.shape == CUBE.shape


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ({"signal": signal.SIGSEGV}, "crashed on it \\(SIGSEGV\\)"),
        ({"signal": signal.SIGKILL}, "want of memory"),
        ({"code": 1}, "ended on it"),
    ],
)
def test_a_crash_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: dict[str, int], words: str
) -> None:
    monkeypatch.setattr(isolation._SERVERS, "ask", lambda request, result: ended)
    with pytest.raises(SceneError, match=words) as caught:
        read_isolated(tmp_path / "a.tif", None, LIMITS)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_gone_is_started_again(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", CUBE)
    read_isolated(tmp_path / "a.tif", None, LIMITS)
    process = isolation._SERVERS._process
    assert process is not None
    process.kill()
    process.wait()
    assert read_isolated(tmp_path / "a.tif", None, LIMITS).values.shape == CUBE.shape


def test_formats_of_numpy_are_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(isolation, "read_isolated", refuse)
    np.save(tmp_path / "a.npy", CUBE)
    assert read_raw(tmp_path / "a.npy", None, ReadingSettings()).values.shape == CUBE.shape
    write_raster(tmp_path / "a.tif", CUBE)
    settings = ReadingSettings(isolated=False)
    assert read_raw(tmp_path / "a.tif", None, settings).values.shape == CUBE.shape
