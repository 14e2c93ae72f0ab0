"""The table adds up, and what did not survive can be repeated."""

import json
from pathlib import Path

from tests.faults.injections import Verdict
from tests.faults.record import FaultRecord, Result

RECORD = FaultRecord(
    [
        Result("kills", "train", "moment-1", Verdict((), 1.0)),
        Result("kills", "train", "moments-2", Verdict((), 3.0), count=5),
        Result("kills", "train", "moment-3", Verdict(("scene.nc has other bytes",), 99.0)),
        Result("kills", "train", "moment-4", None, "no time"),
        Result("bench", "bench", "killed", Verdict()),
    ],
    seed=7,
    minutes=2.0,
    notes=["Left out (disk): it needs root."],
)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_counts_each_kind_and_stage_and_all() -> None:
    _, _, train, bench, everything = RECORD.table().splitlines()
    assert cells(train) == ["kills", "train", "7", "6", "1", "1", "2.0", "3.0"]
    assert cells(bench) == ["bench", "bench", "1", "1", "0", "0", "", ""]
    assert cells(everything) == ["all", "", "8", "7", "1", "1", "2.0", "3.0"]


def test_what_is_left_out_and_what_did_not_survive_is_told() -> None:
    told = RECORD.markdown()
    assert "Left out (kills): no time." in told
    assert "Left out (disk): it needs root." in told
    assert "scene.nc has other bytes" in told
    assert "--seed 7 --only 'kills/train/moment-3'" in told
    assert [result.fault for result in RECORD.not_survived] == ["moment-3"]


def test_it_is_written_for_people_and_for_programs(tmp_path: Path) -> None:
    text, data = RECORD.write(tmp_path / "out")
    assert text.read_text() == RECORD.markdown()
    assert len(json.loads(data.read_text())["results"]) == len(RECORD.results)
