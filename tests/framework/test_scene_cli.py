"""`kedro scene`, as a user types it."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from kedro.framework.startup import bootstrap_project
from matplotlib.image import imread

from bdgf.framework.scene_cli import scene
from tests.scenes.file_server import serving

PROJECT = Path(__file__).resolve().parents[2]
MUUFL = "muufl_gulfport_campus_1_hsi_220_label.mat"


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    bootstrap_project(PROJECT)


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(scene, arguments)


def test_list_names_every_scene() -> None:
    result = typed("list")
    assert result.exit_code == 0, result.output
    for path in (PROJECT / "conf" / "base" / "parameters_scenes").iterdir():
        assert f" {path.stem} " in result.output
    assert "generated at run time" in result.output


def test_check_writes_its_report_and_picture(tmp_path: Path) -> None:
    result = typed("check", "demo", f"--params=data_folder={tmp_path}")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "08_reporting" / "demo" / "check"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["quick_look.png", "report.json", "report.txt"]
    report = json.loads((folder / "report.json").read_text())
    assert report["findings"] == []
    assert "No problems found." in result.output
    assert "Classes" in (folder / "report.txt").read_text()
    assert imread(folder / "quick_look.png").ndim == 3


@pytest.mark.slow
def test_check_takes_environment_parameters_and_folder(tmp_path: Path) -> None:
    given = ("--env=test", f"--out={tmp_path}/here", "--params=split.name=per_class,seed=3")
    result = typed("check", "demo", *given)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "here" / "report.json").read_text())
    assert report["split"]["name"] == "per_class"
    assert [finding["kind"] for finding in report["findings"]] == ["leakage"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "dmeo"), "unknown scene 'dmeo', did you mean 'demo'?"),
        (("check", "berlin"), "no file for modality 'hsi'"),
        (("check", "demo", "--params=seed=none"), "parameter 'seed'"),
        (("check", "demo", "--env=nowhere"), "unknown environment 'nowhere'"),
        (("fetch", "augsburg"), "https://github.com/danfenghong/ISPRS_S2FL"),
        (("fetch", "nowhere"), "unknown scene"),
    ],
)
def test_a_mistake_ends_with_one_line(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    out = (f"--params=data_folder={tmp_path},ingest.folders=[{tmp_path}]",)
    result = typed(*arguments, *out)
    assert result.exit_code == 1
    assert words in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_fetch_of_a_fabricated_scene_has_nothing_to_do() -> None:
    result = typed("fetch", "demo")
    assert result.exit_code == 0
    assert "no files to fetch" in result.output


def test_fetch_downloads_what_is_not_there(tmp_path: Path) -> None:
    data = b"some bytes" * 1000
    digest = hashlib.sha256(data).hexdigest()
    with serving() as server:
        server.files["it.mat"] = data
        source = {"files": {MUUFL: server.address("it.mat")}, "sha256": {MUUFL: digest}}
        params = f"--params=ingest.folders=[{tmp_path}]"
        of_scene = f"--params=scene.source={yaml.safe_dump(source, default_flow_style=True)}"
        result = typed("fetch", "muufl", params, of_scene)
        assert result.exit_code == 0, result.output
        assert (tmp_path / "muufl" / MUUFL).read_bytes() == data
        again = typed("fetch", "muufl", params, of_scene)
    assert again.exit_code == 0
    assert "files exist, as published" in again.output


@pytest.mark.slow
def test_a_stopped_fetch_says_so_and_goes_on(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20_000
    digest = hashlib.sha256(data).hexdigest()
    with serving() as server:
        server.files["it.mat"], server.seconds_a_piece = data, 2.0
        source = {"files": {MUUFL: server.address("it.mat")}, "sha256": {MUUFL: digest}}
        params = f"--params=ingest.folders=[{tmp_path}]"
        of_scene = f"--params=scene.source={yaml.safe_dump(source, default_flow_style=True)}"
        command = [sys.executable, "-m", "kedro", "scene", "fetch", "muufl", params, of_scene]
        running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        part = tmp_path / "muufl" / f".{MUUFL}.part"
        until = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size) and time.monotonic() < until:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
        assert running.returncode == 128 + signal.SIGINT
        assert "Stopped (SIGINT); the same command resumes" in told
        kept = part.stat().st_size
        assert kept
        assert [path.name for path in part.parent.iterdir() if path.suffix == ".mat"] == []
        server.seconds_a_piece = 0.0
        result = typed("fetch", "muufl", params, of_scene)
        assert result.exit_code == 0, result.output
        assert server.asked[-1] == f"bytes={kept}-"
    assert (tmp_path / "muufl" / MUUFL).read_bytes() == data
