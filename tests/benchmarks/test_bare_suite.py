"""Runs of a suite that another machine does: packed, measured, recorded, compared."""

import json

import pytest
from benchmarks.bare_suite import RUNS, measure, pack, run, table

SUITE, VARIANT = "missing_modality", "random_forest_windows"


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    pack(SUITE, folder, ["tuning"], [3], [VARIANT])
    return folder


def test_a_packed_run_is_measured_with_each_modality_spoilt(packed):
    (path,) = packed.glob("*.run")
    found = measure(path, "cpu", 2)
    assert (found["scene"], found["variant"], found["seed"]) == ("tuning", VARIANT, 3)
    assert set(found["damaged"]) == {"hidden", "noise", "clouds"}
    spoilt = [score for kind in found["damaged"].values() for score in kind.values()]
    assert found["overall_accuracy"] > max(score["overall_accuracy"] for score in spoilt)
    assert found == {**measure(path, "cpu", 1), "seconds": found["seconds"]}


@pytest.mark.slow  # starts a process
def test_runs_are_kept_as_they_end_and_missing_ones_are_told(packed, tmp_path, capsys):
    assert run(packed, tmp_path, "cpu", jobs=2, minutes=5) == 0
    (record,) = [json.loads(line) for line in (tmp_path / RUNS).read_text().splitlines()]
    assert record["variant"] == VARIANT
    assert run(packed, tmp_path, "cpu", jobs=2, minutes=0) == 0  # what is recorded is not repeated
    assert run(packed, tmp_path / "none", "cpu", jobs=2, minutes=0) == 1
    assert "0 of 1 runs" in capsys.readouterr().out


def test_runs_are_not_packed_into_those_of_another_time(packed):
    with pytest.raises(SystemExit, match="holds packed runs already"):
        pack(SUITE, packed, ["tuning"], [4], [VARIANT])


def test_the_table_means_over_seeds_and_modalities():
    def one(seed, accuracy, hidden):
        score = {"overall_accuracy": hidden, "average_accuracy": hidden / 2}
        both = {"a": score, "b": {name: value + 0.2 for name, value in score.items()}}
        return {
            "scene": "s", "variant": "v", "seed": seed, "damaged": {"hidden": both},
            "overall_accuracy": accuracy, "average_accuracy": accuracy,
        }  # fmt: skip

    line = table([one(1, 0.9, 0.5), one(0, 0.8, 0.3)]).splitlines()[-1]
    assert line == "| s | v | 0, 1 | 85.0 / 85.0 | 50.0 / 30.0 |"
    bare = {**one(0, 0.7, 0.1), "variant": "w", "damaged": {}}
    assert table([one(1, 0.9, 0.5), bare]).splitlines()[-1] == "| s | w | 0 | 70.0 / 70.0 | - |"
