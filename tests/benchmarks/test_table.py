"""What the benchmark's table says of measurements; nothing is timed here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from benchmarks.comparison import Comparison, interleave
from benchmarks.table import lines, number, write

ROOT = Path(__file__).resolve().parents[2]


def comparison(**changes) -> Comparison:
    values = {"theirs": [40.0, 80.0, 60.0], "ours": [2.0, 2.0, 4.0]}
    return Comparison(**{"task": "a task", "unit": "ms", "values": values, **changes})


def test_ratios_are_medians_of_the_rounds_own():
    assert comparison().ratio("ours") == 20  # of 20, 40, 15
    rates = comparison(more_is_better=True, values={"a": [2.0, 4.0], "b": [4.0, 8.0]})
    assert rates.ratio("b") == 2


def test_a_target_is_met_or_not():
    assert comparison(target=20).met()
    assert not comparison(target=21).met()
    assert comparison(limit=2).met()
    assert not comparison(limit=1.9).met()
    assert comparison(limit=2, more_is_better=True).met()
    assert comparison().met() is None


def test_functions_take_turns():
    calls = []
    functions = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = interleave(functions, rounds=2, warm_up=1)
    assert calls == list("ababab")
    assert [len(values) for values in times.values()] == [2, 2]


def test_the_table_and_the_json_hold_every_number(tmp_path):
    found = comparison(target=20, floor=1.5, bound="bytes", note="One note.")
    machine = {"date": "today", "threads": 2, "versions": {"torch": "1"}}
    write(tmp_path, "cpu", "Title", machine, None, [found, found])
    text = (tmp_path / "cpu.md").read_text()
    assert "| a task [1] | theirs | 60.0 ms |  |  |  |" in text
    assert "|  | ours | 2.00 ms | 20.0x | 1.50 ms (bytes) | 20.0x: met |" in text
    assert text.count("One note.") == 1
    record = json.loads((tmp_path / "cpu.json").read_text())
    assert record["comparisons"][0]["values"]["theirs"] == [40, 80, 60]
    assert record["comparisons"][0]["times_better"]["ours"] == 20
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (15.04, "15.0"), (123, "123"), (1234.5, "1,230")],
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_an_unmet_target_stands_out():
    assert "1,000x: **not met**" in "\n".join(lines([comparison(target=1000)]))


@pytest.mark.slow  # starts PyTorch
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to measure")
def test_without_a_gpu_one_line_says_so():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks", "--gpu"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: PyTorch finds no CUDA device here")
    assert len(done.stderr.splitlines()) == 1


def test_amounts_of_nothing_are_as_good_as_one_another():
    assert comparison(values={"ours": [0.0]}).ratio("ours") == 1
    assert comparison(values={"theirs": [3.0], "ours": [0.0]}).ratio("ours") == float("inf")
    assert comparison(values={"ours": [0.0]}, limit=0).met()
