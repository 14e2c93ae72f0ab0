"""The audit says what it did not check."""

import pytest
from tools.audit import licences as module
from tools.audit.__main__ import PAGE, UNCHECKED, WRONG, audit
from tools.audit.advisories import Advisories, advisories, read
from tools.audit.licences import ALLOWED, Licence, licence
from tools.audit.pins import CONSTRAINTS, pins

PINNED = {"Some.Thing": "1.0", "other": "2.0"}


def test_the_page_names_every_pinned_package_in_its_version_and_no_other() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    listed = {row[0].removeprefix("| "): row[1] for row in rows[2:]}
    assert listed == pins()
    assert all(not Licence(row[0], row[1], row[2], row[3]).refused for row in rows[2:])


@pytest.mark.parametrize(
    ("expression", "refused"),
    [
        ("MIT", []),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", []),
        ("Apache-2.0 WITH LLVM-exception", []),
        ("GPL-3.0-only", ["GPL-3.0-only"]),
        ("MIT AND AGPL-3.0-or-later", ["AGPL-3.0-or-later"]),
        ("unknown", ["unknown"]),
    ],
)
def test_only_listed_licences_pass(expression: str, refused: list[str]) -> None:
    assert Licence("a", "1", expression, "License").refused == refused


def test_installed_packages_name_theirs() -> None:
    assert licence("numpy", "2").source == "License-Expression"
    assert licence("pytest", "8").expression == "MIT"
    assert "unknown" not in ALLOWED


def test_an_answer_counts_only_where_there_is_one() -> None:
    weak = {"id": "PYSEC-1", "fix_versions": ["1.1"]}
    told = read([{"name": "some-thing", "version": "1.0", "vulns": [weak]}], PINNED)
    assert told.checked == 1
    assert told.weak == ["Some.Thing 1.0: PYSEC-1, mended in 1.1"]
    assert list(told.unchecked) == ["other"]
    told = read([{"name": "other", "skip_reason": "not found on PyPI"}], PINNED)
    assert told.checked == 0
    assert told.unchecked["other"] == "not found on PyPI"


def test_an_audit_that_cannot_run_checks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    told = advisories(CONSTRAINTS, PINNED)
    assert (told.checked, list(told.unchecked)) == (0, list(PINNED))


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        (Advisories(9), 0, "0 known weaknesses"),
        (Advisories(8, [], {"torch": "no network"}), UNCHECKED, "ADVISORIES NOT CHECKED"),
        (Advisories(8, ["torch: PYSEC-1"], {"numpy": "no network"}), WRONG, "torch: PYSEC-1"),
    ],
)
def test_the_exit_code_is_0_only_where_all_was_checked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    told: Advisories,
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr("tools.audit.__main__.licences", lambda pinned: ([], []))
    assert audit(lambda: told) == code
    assert words in capsys.readouterr().out


def test_a_licence_that_is_not_allowed_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ([Licence("a", "1", "GPL-3.0-only", "License")], [])
    monkeypatch.setattr("tools.audit.__main__.licences", lambda pinned: found)
    assert audit(lambda: Advisories(9)) == WRONG
    assert "a 1: GPL-3.0-only" in capsys.readouterr().out
    assert module.TOLD_ELSEWHERE.keys() <= pins().keys()
