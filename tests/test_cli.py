"""The two programs: `kedro` with the project's commands, and `bdgf`, outside of any project."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import rasterio
from click.testing import CliRunner, Result

import bdgf
from bdgf.__main__ import main
from bdgf.cli import cli
from bdgf.inference.map_model_folder import FILE
from tests.inference.small_models import model_with_fast, small_model

PROJECT = Path(__file__).resolve().parents[1]
SCENE = "small: {title: A small one, fabricate: {seed: 5, size: 56, bands: 12}}\n"


def test_kedro_finds_the_commands_of_the_project() -> None:
    assert set(cli.commands) == {"run", "bench", "tune", "scene"}


@pytest.mark.parametrize("folder", [".", "conf/base"])
def test_run_is_kedro_run_of_the_project_around_the_working_directory(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT / folder)
    result = typed("run", "--help")
    assert result.exit_code == 0, result.output
    assert "--only-missing-outputs" in result.output


def typed(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_version_needs_nothing_that_is_slow_to_import() -> None:
    code = (
        "import sys; from bdgf.__main__ import main; main(['--version'], standalone_mode=False);"
        "heavy = {'kedro', 'mlflow', 'numpy', 'torch', 'pydantic'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == bdgf.__version__


@pytest.mark.parametrize("command", [("run",), ()])
def test_a_pipeline_outside_a_project_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = typed(*command, "--pipeline=full")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "bdgf predict --help" in line


def test_scenes_are_listed_by_their_files(tmp_path: Path) -> None:
    (tmp_path / "small.yml").write_text(SCENE)
    (tmp_path / "other.yml").write_text("a: 1\nb: 2\n")
    result = typed("scene", "list", tmp_path)
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    assert line.startswith("small: A small one")
    (tmp_path / "small.yml").unlink()
    assert typed("scene", "list", tmp_path).exit_code == 1


@pytest.mark.parametrize("command", [("scene", "check"), ("predict", "model")])
def test_what_is_missing_is_told_in_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = typed(*command, tmp_path / "none.yml", *([tmp_path] if len(command) > 1 else []))
    assert result.exit_code != 0
    assert "Traceback" not in result.output


def test_an_image_is_mapped_and_scored_without_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small_model("random_forest").save(tmp_path / "model" / FILE)
    (tmp_path / "small.yml").write_text(SCENE.replace("bands: 12", "bands: 8"))
    result = typed("predict", "model", "small.yml", "out")
    assert result.exit_code == 0, result.output
    made = {path.name for path in (tmp_path / "out").iterdir()}
    maps = {"class_map.tif", "uncertainty_map.tif", "class_map.png", "metrics.json"}
    assert maps <= made
    assert ".working" not in made
    with rasterio.open(tmp_path / "out" / "class_map.tif") as source:
        assert source.shape == (56, 56)
        assert source.read(1).any()
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert f"OA {100 * metrics['overall_accuracy']:.2f} %" in result.output


def test_a_scene_is_checked_without_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yml").write_text(SCENE)
    result = typed("scene", "check", "small.yml", "--out", "found")
    assert result.exit_code == 0, result.output
    assert "A small one" in result.output
    assert json.loads((tmp_path / "found" / "report.json").read_text())
    assert (tmp_path / "found" / "quick_look.png").exists()


def test_the_fast_network_maps_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model_with_fast("random_forest").save(tmp_path / "model" / FILE)
    small_model("random_forest").save(tmp_path / "without" / FILE)
    (tmp_path / "small.yml").write_text(SCENE.replace("bands: 12", "bands: 8"))
    result = typed("predict", "model", "small.yml", "out", "--fast")
    assert result.exit_code == 0, result.output
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["fast"]["agreement"] > 0
    refused = typed("predict", "without", "small.yml", "none", "--fast")
    assert refused.exit_code == 1
    assert "has no fast network" in refused.stderr
