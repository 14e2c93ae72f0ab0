"""Reads YAML files as people save them, or explains where and why it cannot."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

import yaml
from omegaconf._utils import get_yaml_loader  # private: the rules that `OmegaConf.load` reads by
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_MARKS = {  # the longer first: UTF-32's begins with UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}
_SAVE = "save it as UTF-8"
_BACKSLASH = (
    "a backslash in double quotes is an escape: use single quotes, or forward slashes in a path"
)
_TAB = "a tab stands in the indentation: use spaces"
_ESCAPE = re.compile(r"\\[^xuU\"/\s]")  # of a letter: a new line, a tab; not `\u00e4`
_NAMES_OF_FILES = ("file", "folder")
_STRING = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


class YamlProblem(Exception):  # noqa: N818 - becomes part of a message, with the file's name
    """What is wrong in a text, where, and what to do; the file's name is for others to add."""


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8, or what its byte order mark says.

    Raises:
        YamlProblem: It is in another encoding.
    """
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data:
        raise YamlProblem(f"is UTF-16 without a byte order mark, or no text at all; {_SAVE}")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        place = _place(data[: error.start].decode(encoding, "replace"))
        letter = data[error.start : error.start + 1]
        guess, name = "", encoding.removesuffix("-sig").upper()
        if name == "UTF-8":
            guess = f" ('{letter.decode('cp1252', 'replace')}' in the Windows code page cp1252)"
        cut = ", or the file is cut short" if error.end >= len(data) else ""
        raise YamlProblem(
            f"{place}: byte 0x{letter[0]:02x}{guess} is no {name}{cut}; {_SAVE}"
        ) from error


def read_mapping(text: str) -> dict[Any, Any]:
    """The mapping in a YAML text; its top-level keys stay as written.

    A number, a date or `on` at the top is a name here, as it is in the name of a file.

    Raises:
        YamlProblem: The text is no YAML, or its top is no mapping.
    """
    try:
        loader = get_yaml_loader()(text)
        root = loader.get_single_node()
        if not isinstance(root, MappingNode):
            raise YamlProblem(_no_mapping(root))
        _check(root, text)
        for key, _ in root.value:
            if not isinstance(key, ScalarNode):
                raise YamlProblem(f"{_at(key)}: the key is no name; write a name and a colon")
            if key.tag != _MERGE:
                key.tag = _STRING
        mapping: dict[Any, Any] = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        raise YamlProblem(_told(error, text.splitlines())) from error
    except yaml.reader.ReaderError as error:
        raise YamlProblem(
            f"{_place(text[: error.position])}: the character U+{_code(error):04X} is not allowed "
            "in YAML; delete it"
        ) from error
    except (RecursionError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise YamlProblem(f"cannot be read as YAML ({reason[:200]}); fix it") from error
    return mapping


def _code(error: Any) -> int:
    return error.character if isinstance(error.character, int) else ord(error.character)


def _place(before: str) -> str:
    # Where the character behind `before` is, as editors count.
    lines = before.split("\n")
    return f"line {len(lines)}, column {len(lines[-1]) + 1}"


def _at(node: Node) -> str:
    return f"line {node.start_mark.line + 1}, column {node.start_mark.column + 1}"


def _no_mapping(root: Node | None) -> str:
    if root is None:
        return "is empty; write a name, a colon, and the settings indented below"
    what = "a list" if isinstance(root, SequenceNode) else "plain text"
    return f"{_at(root)}: {what}, not settings; write a name, a colon, and the settings below"


def _told(error: yaml.MarkedYAMLError, lines: list[str]) -> str:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return f"{error.problem}; fix it"
    # A tab is often told as something else, one line later.
    for number in (mark.line, mark.line - 1):
        line = lines[number] if 0 <= number < len(lines) else ""
        if "\t" in (space := line[: len(line) - len(line.lstrip())]):
            return f"line {number + 1}, column {space.index(chr(9)) + 1}: {_TAB}"
    place = f"line {mark.line + 1}, column {mark.column + 1}"
    problem = " ".join(str(error.problem).split())
    if "escape" in problem:
        return f"{place}: {_BACKSLASH}"
    if mark.line >= len(lines) or "stream end" in problem or "end of stream" in problem:
        return f"{place}: {problem}; the file ends too early: complete it"
    return f"{place}: {problem}; fix it there"


def _check(root: Node, text: str) -> None:
    """Rejects likely mistakes that are valid YAML: repeated keys, escapes in Windows paths."""
    for node, of_file in _nodes(root, False, set()):
        if isinstance(node, MappingNode):
            seen: dict[str, Node] = {}
            for key, _ in node.value:
                if isinstance(key, ScalarNode) and key.tag != _MERGE:
                    if key.value in seen:
                        raise YamlProblem(
                            f"{_at(key)}: the key '{key.value}' is there already (line "
                            f"{seen[key.value].start_mark.line + 1}); leave one of them"
                        )
                    seen[key.value] = key
        elif of_file and isinstance(node, ScalarNode) and node.style == '"':
            written = text[node.start_mark.index : node.end_mark.index].replace("\\\\", "")
            if _ESCAPE.search(written):
                raise YamlProblem(f"{_at(node)}: {_BACKSLASH}")


def _nodes(node: Node, of_file: bool, seen: set[int]) -> Iterator[tuple[Node, bool]]:
    # Every node once, and whether it is the name of a file.
    if id(node) in seen:
        return
    seen.add(id(node))
    yield node, of_file
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _nodes(item, of_file, seen)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _nodes(value, getattr(key, "value", None) in _NAMES_OF_FILES, seen)
