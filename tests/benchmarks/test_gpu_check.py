"""The GPU check without a GPU: what it writes, and that no part holds up the next."""

import json
import time
from pathlib import Path

import pytest
from benchmarks.gpu_check import runner
from benchmarks.gpu_check.__main__ import main
from benchmarks.gpu_check.parts import PARTS, Part
from benchmarks.gpu_check.record import Record, Setting

HERE = "tests.benchmarks.test_gpu_check"


def equal(setting: Setting, record: Record) -> None:
    record.check("one and one", 0, 0)


def unequal(setting: Setting, record: Record) -> None:
    record.check("one and two", 1, 0.1)
    record.check("nothing", float("nan"), 1)


def fails(setting: Setting, record: Record) -> None:
    record.row("a table", kept=1)
    raise ValueError("no such thing")


def hangs(setting: Setting, record: Record) -> None:
    record.check("before it hung", 0, 0)
    time.sleep(600)


def dies(setting: Setting, record: Record) -> None:
    import os

    os._exit(3)


def run(folder: Path, parts: list[Part], minutes: float = 5) -> tuple[int, dict]:
    code = runner.run(Setting("cpu", True, folder), minutes, parts)
    return code, json.loads((folder / "gpu_check.json").read_text())


def part(name: str, equality: bool = True, seconds: float = 60) -> Part:
    return Part(name, f"{HERE}:{name}", seconds, equality)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    parts = [part("fails"), part("hangs", seconds=3), part("dies"), part("unequal"), part("equal")]
    folder = tmp_path_factory.mktemp("check")
    began = time.monotonic()
    code, found = run(folder, parts)
    assert time.monotonic() - began < 60
    return code, found, (folder / "gpu_check.md").read_text()


@pytest.mark.slow
def test_a_part_that_fails_is_told_and_the_others_go_on(report):
    code, found, text = report
    assert code == 1
    assert found["passed"] is False
    states = {name: outcome["state"] for name, outcome in found["parts"].items()}
    assert states == {
        "fails": "failed",
        "hangs": "cut",
        "dies": "died",
        "unequal": "failed",
        "equal": "passed",
    }
    error = found["parts"]["fails"]["error"]
    assert (error["type"], error["message"]) == ("ValueError", "no such thing")
    assert error["traceback"][-1] == "ValueError: no such thing"
    assert found["parts"]["fails"]["tables"] == {"a table": [{"kept": 1}]}
    assert "ValueError: no such thing" in text


@pytest.mark.slow
def test_a_part_past_its_time_is_cut_and_keeps_what_it_found(report):
    _, found, _ = report
    assert found["parts"]["hangs"]["seconds"] < 10
    assert [check["met"] for check in found["parts"]["hangs"]["checks"]] == [True]
    assert found["parts"]["dies"]["error"]["message"] == "exit code 3"


@pytest.mark.slow
def test_what_is_not_equal_or_no_number_is_not_met(report):
    _, found, text = report
    assert [check["met"] for check in found["parts"]["unequal"]["checks"]] == [False, False]
    assert "| one and two |  | 1 | 0.1 | **no** |" in text


@pytest.mark.slow
def test_only_equality_decides_and_time_that_is_over_skips(tmp_path):
    late = Part("late", f"{HERE}:equal", 600, least=600)
    code, found = run(tmp_path, [part("equal"), part("fails", equality=False), late])
    assert (code, found["passed"]) == (0, True)
    assert found["parts"]["late"]["state"] == "skipped"
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
def test_every_part_runs_small_on_a_cpu(tmp_path):
    assert main(["--cpu", "--tiny", "--out", str(tmp_path), "--minutes", "5"]) == 0
    found = json.loads((tmp_path / "gpu_check.json").read_text())
    assert list(found["parts"]) == [p.name for p in PARTS]
    states = {name: outcome["state"] for name, outcome in found["parts"].items()}
    assert states.pop("speed") == "skipped"  # it needs a GPU
    assert set(states.values()) == {"passed"}
    assert all(found["parts"][p.name]["checks"] for p in PARTS if p.equality)


def test_the_step_that_devices_are_compared_by_draws_nothing(tmp_path):
    """Each device has draws of its own, so dropout would make equal networks differ."""
    from benchmarks.gpu_check.networks import classifier

    record = Record(tmp_path / "part.json")
    classifier(Setting("cpu", True, tmp_path), record)
    checks = {check["name"]: check for check in record.entries["checks"]}
    assert checks["loss with other draws, which must not matter"]["error"] < 1e-6
    assert all(check["met"] for check in checks.values() if check["mode"] != "bf16-mixed")
