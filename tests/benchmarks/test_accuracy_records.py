"""Records of accuracies and the tables made from them."""

import json
from pathlib import Path

from benchmarks.accuracy_records import add_records, means, per_cent, read_records, write_table

import bdgf


def test_records_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "runs.json"
    assert read_records(path) == []
    add_records(path, [{"seed": 0, "overall_accuracy": 1 / 3}])
    add_records(path, [{"seed": 1, "overall_accuracy": 1.0}])
    first, second = read_records(path)
    assert (first["seed"], second["seed"]) == (0, 1)
    assert first["overall_accuracy"] == 0.333333
    assert first["version"] == bdgf.__version__
    assert json.loads(path.read_text()) == [first, second]
    assert [file.name for file in path.parent.iterdir()] == ["runs.json"]


def test_only_what_is_between_the_markers_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n\n<!-- bench a -->\nold\n<!-- end -->\n\nafter\n")
    write_table(page, "a", "| new |")
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("<!-- end -->\n\nafter\n")
    assert "| new |" in text
    assert "old" not in text


def test_means_are_of_the_seeds() -> None:
    rows = [
        {"scene": scene, "overall_accuracy": a, "average_accuracy": a / 2, "kappa": 0.0}
        for scene, a in (("b", 0.4), ("a", 1.0), ("b", 0.6))
    ]
    found = means(rows, ["scene"])
    assert list(found.index) == ["b", "a"]
    assert per_cent(found.loc["b"]) == "50.0 / 25.0 / 0.0"
