"""Order, choice and limits of the injections."""

import time
from pathlib import Path

from tests.faults.injections import Injection, Room, Verdict
from tests.faults.record import Result
from tests.faults.work import NO_TIME, chosen, spread, work_off


def survives(room: Room) -> Verdict:
    return Verdict(how=str(room.random.random()))


def breaks(room: Room) -> Verdict:
    (room.folder / "project.0.stderr").write_text("what it printed")
    raise OSError("no such thing")


def injection(kind: str, stage: str, fault: str) -> Injection:
    return Injection(kind, stage, fault, survives)


ALL = [injection(k, s, f"f{n}") for k in ("kills", "disk") for s in ("a", "b") for n in range(4)]


def test_names_are_chosen_by_whole_parts() -> None:
    assert chosen(ALL, []) == ALL
    assert {i.kind for i in chosen(ALL, ["disk"])} == {"disk"}
    assert [i.name for i in chosen(ALL, ["kills/a/f1", "kil"])] == ["kills/a/f1"]


def test_what_is_cut_off_at_the_end_is_of_no_single_kind() -> None:
    ordered = spread([*ALL, injection("bench", "bench", "killed")], seed=0)
    assert ordered[0].kind == "bench"
    assert sorted(i.name for i in ordered[1:]) == sorted(i.name for i in ALL)
    assert {(i.kind, i.stage) for i in ordered[1:5]} == {(i.kind, i.stage) for i in ALL}


def worked_off(injections: list[Injection], folder: Path, **changed: float) -> list[Result]:
    deadline = changed.get("deadline", time.monotonic() + 60)
    said: list[Result] = []
    results = work_off(injections, folder / "work", folder / "kept", 5, deadline, 2, said.append)
    assert {r.name for r in said} == {r.name for r in results if r.verdict}
    return results


def test_draws_depend_on_the_seed_and_the_name_alone(tmp_path: Path) -> None:
    first = worked_off(ALL, tmp_path / "a")
    second = worked_off(ALL[::-1], tmp_path / "b")
    assert first == second[::-1]
    assert len({r.verdict.how for r in first if r.verdict}) == len(ALL)


def test_none_starts_when_time_is_up(tmp_path: Path) -> None:
    results = worked_off(ALL, tmp_path, deadline=time.monotonic() - 1)
    assert {(r.verdict, r.why_left_out) for r in results} == {(None, NO_TIME)}


def test_a_test_that_fails_itself_is_not_survived_and_its_output_is_kept(tmp_path: Path) -> None:
    (result,) = worked_off([Injection("kills", "a", "f/0", breaks)], tmp_path)
    assert result.verdict is not None
    assert not result.verdict.survived
    assert "no such thing" in result.verdict.faults[0]
    assert (tmp_path / "kept" / "kills_a_f_0" / "project.0.stderr").exists()
    assert not list((tmp_path / "work").iterdir())
