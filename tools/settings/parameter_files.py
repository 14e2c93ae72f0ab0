"""The parameter files of `conf/base`: layout, values and comments, from the tree of parameters."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from tools.settings.tree import RUN, Group, Parameter

WIDTH = 120
"""Columns of the files."""

HEADER = "# Made by `make settings` from the settings classes. Your own values go to conf/local."

# The file of each group that is not `parameters_<group>.yml`.
FILES = {
    RUN: "parameters.yml",
    "preparation": "parameters_prepare.yml",
    "split": "parameters_prepare.yml",
    "inference": "parameters_evaluate.yml",
    "predict": "parameters_predict.yml",
    "executor": "parameters_predict.yml",
    "evaluation": "parameters_evaluate.yml",
}


def parameter_files(groups: Iterable[Group]) -> dict[str, str]:
    """The text of each parameter file by its name.

    Args:
        groups: The top groups; those of one file stand in it in this order.
    """
    texts: dict[str, str] = {}
    for group in groups:
        name = FILES.get(group.name, f"parameters_{group.name}.yml")
        above = f"{texts[name]}\n" if name in texts else f"{HEADER}\n\n"
        texts[name] = f"{above}{_top(group)}"
    return texts


def flow(value: Any) -> str:
    """A value on one line, as YAML writes it."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _top(group: Group) -> str:
    lines = _paragraphs(group.told)
    if group.name == RUN:
        return "\n".join([*lines, *_members(group, "")]) + "\n"
    return "\n".join([*lines, f"{group.name}:", *_members(group, "  ")]) + "\n"


def _paragraphs(told: str) -> list[str]:
    lines: list[str] = []
    for paragraph in told.split("\n\n"):
        if lines:
            lines.append("#")
        if paragraph.startswith(" "):  # an example stays as it is
            lines += [f"# {line}" for line in paragraph.split("\n")]
        else:
            lines += _comment(" ".join(paragraph.split()), "")
    return lines


def _comment(told: str, indent: str) -> list[str]:
    return [
        f"{indent}# {line}"
        for line in textwrap.wrap(told, WIDTH - len(indent) - 2, break_on_hyphens=False)
    ]


def _members(group: Group, indent: str) -> list[str]:
    lines = [line for member in group.first for line in _member(member, indent)]
    if group.first and group.rest:
        where = f" in {group.path}" if group.path else ""
        lines.append(f"{indent}# --- Seldom turned{where} ---")
    return lines + [line for member in group.rest for line in _member(member, indent)]


def _member(member: Parameter | Group, indent: str) -> list[str]:
    if isinstance(member, Group):
        told = member.told.split("\n")[0].rstrip(".")
        return [*_commented(f"{indent}{member.name}:", told), *_members(member, f"{indent}  ")]
    head, *below = _value(member.name, member.written)
    return [*_commented(f"{indent}{head}", member.told), *(f"{indent}{line}" for line in below)]


def _commented(line: str, told: str) -> list[str]:
    """The line with its comment behind it, or above it where both are too long."""
    if len(line) + len(told) + len("  # ") <= WIDTH:
        return [f"{line} # {told}"]
    indent = line[: len(line) - len(line.lstrip())]
    return [*_comment(told, indent), line]


def _value(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [f"{name}:", *(f"  {key}: {flow(below)}" for key, below in value.items())]
    if isinstance(value, list) and any(isinstance(v, list) or "${" in str(v) for v in value):
        return [f"{name}:", *(f"  - {flow(item)}" for item in value)]
    return [f"{name}: {flow(value)}"]
