"""YAML as people save it: what it holds, or where it is wrong and what to do."""

import pytest

from bdgf.framework.yaml_text import YamlProblem, decoded, read_mapping

NAMES = (
    *("2013", "010", "0x10", "1e3", "1_000", "1:30", "1.50", "-1", "2013-05-01"),
    *("on", "no", "Yes", "true", "null", "~", "=", "<"),
)
SOUND = "mine:\n  title: Gewässer\n  modalities: {}\n"


@pytest.mark.parametrize(
    "name",
    [
        *[
            "2013",
            "010",
            "0x10",
            "1e3",
            "1_000",
            "1:30",
            "1.50",
            "on",
            "no",
            "Yes",
            "null",
            "~",
            "2013-05-01",
            "true",
            "-1",
            "=",
            "<",
        ]
    ],
)
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_name_that_yaml_takes_for_something_else_is_a_name(name: str, quote: str) -> None:
    key = f"{quote}{name}{quote}"
    assert read_mapping(f"{key}:\n  title: x\n") == {name: {"title": "x"}}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_unicode_that_says_so_is_read(encoding: str, end: str) -> None:
    data = SOUND.replace("\n", end).encode(encoding)
    assert read_mapping(decoded(data))["mine"]["title"] == "Gewässer"


@pytest.mark.parametrize("endian", ["le", "be"])
def test_either_order_of_utf_16_is_read(endian: str) -> None:
    data = f"\ufeff{SOUND}".encode(f"utf-16-{endian}")
    assert read_mapping(decoded(data))["mine"]["title"] == "Gewässer"


BROKEN: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "cp1252": (SOUND.encode("cp1252"), ("line 2, column 13", "0xe4", "'ä'", "save it as UTF-8")),
    "cp1252_at_the_end": (b"mine: {title: Gew\xe4", ("cut short",)),
    "utf_16_without_a_mark": (SOUND.encode("utf-16-le"), ("UTF-16 without", "save it as")),
    "utf_16_cut_within_a_letter": (SOUND.encode("utf-16")[:-1], ("cut short",)),
    "tab": ("mine:\n\tmodalities: {}\n", ("line 2, column 1", "tab", "spaces")),
    "tab_behind_spaces": ("mine:\n  a: 1\n \tb: 2\n", ("line 3, column 2", "tab", "spaces")),
    "tab_told_later": ("mine:\n  a: x\n\tb: y\n", ("line 3", "tab", "spaces")),
    "windows_path": (
        'mine:\n  modalities: {a: {file: "C:\\data\\optical.tif"}}\n',
        ("line 2", "single quotes", "forward slashes"),
    ),
    "windows_path_of_known_escapes": (
        'mine:\n  modalities: {a: {file: ["C:\\new\\tiles.tif"]}}\n',
        ("line 2, column 27", "single quotes"),
    ),
    "list": ("- mine\n", ("line 1", "a list")),
    "text": ("mine\n", ("line 1", "plain text")),
    "number": ("3\n", ("line 1", "plain text")),
    "empty": ("", ("is empty",)),
    "comments_only": ("# to do\n", ("is empty",)),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0\0", ("UTF-8",)),
    "zeros": (b"\0" * 50, ("no text at all",)),
    "control_character": ("mine: {title: \x08}\n", ("line 1, column 15", "U+0008")),
    "key_twice": ("mine:\n  a: 1\n  a: 2\n", ("line 3, column 3", "'a'", "line 2")),
    "number_twice": ("mine:\n  1: 1\n  1: 2\n", ("line 3", "'1'")),
    "scene_twice": ("mine: {a: 1}\nmine: {b: 1}\n", ("line 2", "'mine'")),
    "cut_in_a_list": ("mine:\n  a: {kind: spectr", ("line 2", "too early")),
    "cut_in_quotes": ("mine:\n  a: 'spectr", ("line 2", "too early")),
    "two_documents": ("mine: {}\n---\nmine: {}\n", ("line 2",)),
    "bad_indentation": ("mine:\n  a:\n    b: 1\n   c: 2\n", ("line 4",)),
    "missing_colon": ("mine:\n  a 1\n  b: 2\n", ("line 3",)),
    "unknown_anchor": ("mine: *there\n", ("line 1", "there")),
    "python_object": ("mine: !!python/object:os.system {}\n", ("line 1",)),
    "list_as_key": ("? [a]\n: 1\n", ("line 1", "no name")),
    "deep": ("mine: " + "[" * 1500, ("fix it",)),
    "bad_number": ("mine: {title: 0b_}", ("fix it",)),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_told_with_its_place_and_what_to_do(case: str) -> None:
    text, words = BROKEN[case]
    with pytest.raises(YamlProblem) as told:
        read_mapping(decoded(text.encode() if isinstance(text, str) else text))
    line = str(told.value)
    assert "\n" not in line
    assert [word for word in words if word not in line] == [], line


def test_a_quoted_path_that_is_escaped_rightly_is_read() -> None:
    text = 'mine: {file: "C:\\\\new\\\\Gew\\u00e4sser.tif", title: "one\\ntwo"}\n'
    assert read_mapping(text)["mine"] == {"file": "C:\\new\\Gewässer.tif", "title": "one\ntwo"}
