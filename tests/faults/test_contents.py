"""What counts as the same content, and what as left over."""

import os
from pathlib import Path

from tests.faults.contents import copy_project, foreign, missing_or_other, newest, read_contents

FIRST, SECOND = "2026-01-01T00.00.00.000Z", "2026-01-02T00.00.00.000Z_2"
PLACE = "02_intermediate/demo/scene.nc/<version>/scene.nc"


def written(project: Path, version: str, content: str, name: str = "scene.nc") -> Path:
    path = project / "data/02_intermediate/demo/scene.nc" / version / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_versions_of_a_file_have_one_place(tmp_path: Path) -> None:
    written(tmp_path, FIRST, "first")
    written(tmp_path, SECOND, "second")
    contents = read_contents(tmp_path)
    assert set(contents) == {PLACE}
    assert newest(contents, PLACE) == contents[PLACE][SECOND]


def test_json_may_name_other_versions_and_nothing_else(tmp_path: Path) -> None:
    texts = {"a": f'{{"scene": "{FIRST}"}}', "b": f'{{"scene": "{SECOND}"}}', "c": '{"scene": 1}'}
    for name, text in texts.items():
        written(tmp_path / name, FIRST, text, "made_from.json")
    a, b, c = (read_contents(tmp_path / name) for name in texts)
    assert a == b
    assert missing_or_other(a, c, list(a)) == [f"{next(iter(a))} has other bytes"]


def test_digests_count_but_for_those_of_versions(tmp_path: Path) -> None:
    lines = {"a": ("0", "0"), "b": ("0", "1"), "c": ("1", "0")}
    for name, (scene, made_from) in lines.items():
        text = f"{scene * 64}  scene.nc\n{made_from * 64}  made_from.json\n"
        written(tmp_path / name, FIRST, text, "scene.nc.sha256")
    a, b, c = (read_contents(tmp_path / name) for name in lines)
    assert a == b
    assert a != c


def test_reports_of_two_runs_are_equal_but_for_their_times(tmp_path: Path) -> None:
    page = (
        "<p>OA {}</p><section><h2>Timings</h2>{} s</section>"
        "<tr><td>made</td><td>{}</td></tr><footer>{}</footer>"
    )
    texts = {
        "a": page.format(1, 2, 3, 4),
        "b": page.format(1, 5, 6, 7),
        "c": page.format(0, 2, 3, 4),
    }
    for name, text in texts.items():
        written(tmp_path / name, FIRST, text, "report.html")
    a, b, c = (read_contents(tmp_path / name) for name in texts)
    assert a == b
    assert a != c


def test_locks_are_no_content(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "scene.lock").touch()
    assert read_contents(tmp_path) == {}


def test_what_is_missing_other_or_left_over_is_told(tmp_path: Path) -> None:
    undisturbed, disturbed = tmp_path / "a", tmp_path / "b"
    written(undisturbed, FIRST, "whole")
    written(disturbed, FIRST, "wh")
    written(disturbed, SECOND, "whole")
    written(disturbed, SECOND, "", ".scene.part.nc")
    expected, found = read_contents(undisturbed), read_contents(disturbed)
    assert missing_or_other(expected, found, [PLACE]) == []  # the newest is whole
    (line,) = missing_or_other(found, expected, [place for place in found if "part" in place])
    assert line.endswith(".scene.part.nc is missing")
    assert foreign(expected, found) == [
        "02_intermediate/demo/scene.nc/<version>/.scene.part.nc is left over",
        f"{PLACE} has a version {FIRST} with other bytes",
    ]
    assert len(foreign(expected, found, unstable=[PLACE])) == 1


def test_a_copy_keeps_what_is_linked(tmp_path: Path) -> None:
    first = written(tmp_path / "a", FIRST, "content")
    second = first.parent.with_name(SECOND) / "scene.nc"
    second.parent.mkdir()
    os.link(first, second)
    copy = copy_project(tmp_path / "a", tmp_path / "b")
    one, other = sorted(copy.rglob("scene.nc/*/scene.nc"))
    assert one.samefile(other)
    assert not one.samefile(first)
