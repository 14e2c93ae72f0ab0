"""Busy neighbours of a measurement: they start, and none is left."""

import subprocess

import pytest

from benchmarks import busy


def test_neighbours_end_with_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def watched(*given, **named):
        started.append(popen(*given, **named))
        return started[-1]

    monkeypatch.setattr(busy.subprocess, "Popen", watched)

    def measure() -> None:
        with busy.neighbours(2):
            assert [process.poll() for process in started] == [None, None]
            raise ValueError("measured")

    with pytest.raises(ValueError, match="measured"):
        measure()
    assert all(process.poll() is not None for process in started)
