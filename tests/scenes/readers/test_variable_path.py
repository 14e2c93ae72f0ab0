"""Names of variables, and errors that say what is there instead."""

from pathlib import Path

import pytest

from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.variable_path import (
    find_variable,
    missing_variable,
    only_variable,
    parse_path,
)

FILE = Path("scene.mat")


@pytest.mark.parametrize(
    ("variable", "steps"),
    [
        ("gt", [("gt", 0)]),
        ("hsi.Data", [("hsi", 0), ("Data", 0)]),
        ("hsi.Lidar[1].z", [("hsi", 0), ("Lidar", 1), ("z", 0)]),
        ("Lidar[12]", [("Lidar", 12)]),
        ("a b", [("a b", 0)]),
    ],
)
def test_a_path_is_its_steps(variable, steps):
    assert parse_path(variable, FILE) == steps


@pytest.mark.parametrize(
    "variable", ["", "a..b", ".a", "a.", "a[x]", "a[-1]", "a[1", "[1]", "a[1]b"]
)
def test_what_is_no_path_is_refused_with_an_example(variable):
    with pytest.raises(VariableError, match=r"scene\.mat: .* write it as in 'hsi\.Lidar\[1\]\.z'"):
        parse_path(variable, FILE)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (["gt", "HSI"], "scene.mat has no variable 'hsi', did you mean 'HSI'?; it holds: HSI, gt"),
        (
            ["a.gt", "b.hsi"],
            "scene.mat has no variable 'hsi', did you mean 'b.hsi'?; it holds: b.hsi, a.gt",
        ),
        (["labels"], "scene.mat has no variable 'hsi'; it holds: labels"),
        ([], "scene.mat has no variable 'hsi'; it holds: nothing"),
    ],
)
def test_a_missing_variable_names_the_nearest_and_all(known, message):
    assert str(missing_variable(FILE, "hsi", known)) == message


def test_the_only_variable_needs_no_name():
    assert only_variable(FILE, {"gt": (5, 4)}) == "gt"
    with pytest.raises(VariableError, match=r"holds 2 variables \(gt 5x4, hsi 5x4x3\); choose one"):
        only_variable(FILE, {"hsi": (5, 4, 3), "gt": (5, 4)})
    with pytest.raises(VariableError, match=r"holds 0 variables \(none\)"):
        only_variable(FILE, {})


def test_long_lists_are_cut_after_the_nearest():
    names = [f"group.v{i}" for i in range(50)]
    message = str(missing_variable(FILE, "group.v33x", names))
    assert "did you mean 'group.v33'?; it holds: group.v33, " in message
    assert message.endswith(" and 30 more")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("a.b", "a.b"),
        ("a/b", "a/b"),
        ("/a/b/", "a/b"),
        ("c.d", "c/d"),
        ("c/d", "c/d"),
        ("e.f.g", "e.f/g"),
    ],
)
def test_the_exact_name_wins_and_both_separators_do(asked, found):
    known = ["a.b", "a/b", "c/d", "e.f/g"]
    assert find_variable(FILE, asked, known, known) == found


def test_a_name_that_may_be_two_is_refused():
    with pytest.raises(
        VariableError, match=r"'a\.b\.c' may be a\.b/c or a/b\.c; write it with '/'"
    ):
        find_variable(FILE, "a.b.c", ["a/b.c", "a.b/c"], [])
