"""The measurement of maps: what is measured in parts counts as one, and goes on after a stop."""

import json
from pathlib import Path

import psutil
import pytest
from benchmarks.kedro_process import MIB, Run, Stopped, run_kedro

from benchmarks import kedro_process, mapping


def run(seconds: float, peak: int) -> Run:
    return Run(seconds, seconds / 2, peak * MIB, seconds - 1, {})


def test_a_stopped_run_goes_on_and_a_finished_one_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def kedro(folder: Path, pipeline: str, params: str) -> Run:
        asked.append(f"{folder.name} {pipeline} {params}")
        if len(asked) == 1:
            raise Stopped(run(100, 900), 143)
        return run(50, 700)

    monkeypatch.setattr(mapping, "run_kedro", kedro)
    with pytest.raises(Stopped) as stopped:
        mapping.measure(tmp_path, "predict", "target=big")
    assert stopped.value.code == 143
    parts = mapping.measure(tmp_path, "predict", "target=big")
    assert mapping.measure(tmp_path, "predict", "target=big") == parts
    assert asked == [f"{tmp_path.name} predict target=big"] * 2
    assert [part["finished"] for part in parts] == [False, True]
    assert mapping.row_of("svm", (200, 300), parts) == {
        "model": "svm",
        "size": "200x300",
        "parts": 2,
        "peak_mib": 900,
        "seconds": 150,
        "cpu_seconds": 75,
        "pixels_per_second": round(60_000 / 148),
    }
    assert list(json.loads((tmp_path / mapping.MEASURED).read_text())) == ["predict target=big"]


def test_a_run_ends_with_the_process_that_looks_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def asked_to_end(pid: int) -> tuple[float, int]:
        seen.append(pid)
        raise SystemExit(143)

    monkeypatch.setattr(kedro_process, "_now", asked_to_end)
    with pytest.raises(Stopped) as stopped:
        run_kedro(tmp_path, "full", "dataset=piece")
    assert stopped.value.code == 143
    assert stopped.value.run.seconds > 0
    assert not psutil.pid_exists(seen[0])


def test_a_scene_that_a_stop_left_half_written_is_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    mapping._add_rasters(folder, [(250, 260)])
    described = folder / "conf" / "local" / "parameters_scenes"
    files = {path.name: path.stat().st_mtime_ns for path in (folder / "raw" / "piece").iterdir()}
    (described / "raster_250x260.yml").unlink()
    (folder / "raw" / "raster_250x260" / "sar.tif").write_bytes(b"half")
    mapping._add_rasters(folder, [(250, 260)])
    assert (described / "raster_250x260.yml").exists()
    assert (folder / "raw" / "raster_250x260" / "sar.tif").stat().st_size > 1_000
    for path in (folder / "raw" / "piece").iterdir():
        assert path.stat().st_mtime_ns == files[path.name]
