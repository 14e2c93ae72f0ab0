"""The history of the benchmarks: a line for each run, and its plot."""

from pathlib import Path

from benchmarks.comparison import Comparison
from benchmarks.history import FILE, append, plot, read
from PIL import Image

MACHINE = {"date": "2026-01-02 03:04 UTC", "commit": "abc1234", "processor": "P", "threads": 2}


def comparison(value: float, task: str = "a task") -> Comparison:
    return Comparison(task, "ms", {"theirs": [40.0, 40.0], "ours": [value, value]})


def test_a_run_adds_a_line_and_the_same_run_replaces_its_own(tmp_path: Path) -> None:
    append(tmp_path, MACHINE, [comparison(20.0)])
    append(tmp_path, MACHINE | {"commit": "def5678"}, [comparison(10.0)])
    lines = append(tmp_path, MACHINE | {"commit": "def5678"}, [comparison(5.0)])
    assert lines == read(tmp_path)
    assert [line["commit"] for line in lines] == ["abc1234", "def5678"]
    assert [line["figures"]["a task"]["ratio"] for line in lines] == [2.0, 8.0]
    assert lines[1]["figures"]["a task"] == {
        "how": "ours",
        "median": 5.0,
        "unit": "ms",
        "ratio": 8.0,
    }
    append(tmp_path, MACHINE | {"commit": "def5678", "threads": 1}, [comparison(5.0)])
    assert len((tmp_path / FILE).read_text().splitlines()) == 3  # another machine's


def test_without_an_alternative_there_is_no_ratio(tmp_path: Path) -> None:
    alone = Comparison("one", "s", {"ours": [1.0]})
    below = Comparison("two", "s", {"a": [1.0], "b": [2.0]}, rivals=False)
    (line,) = append(tmp_path, MACHINE, [alone, below])
    assert [line["figures"][name]["ratio"] for name in ("one", "two")] == [None, None]


def test_the_plot_shows_tasks_that_not_every_run_measured(tmp_path: Path) -> None:
    append(tmp_path, MACHINE, [comparison(20.0), comparison(4.0, "another")])
    lines = append(tmp_path, MACHINE | {"commit": "def5678"}, [comparison(10.0)])
    plot(lines, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as image:
        assert len(image.convert("L").getcolors()) > 10
    assert read(tmp_path / "nowhere") == []
