"""Names of variables: paths into structs and groups, and errors that list what a file holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import Any

from bdgf.scenes.readers.raw_array import VariableError

_STEP = re.compile(r"(?P<name>[^\[\]]+)(?:\[(?P<index>\d+)\])?")
_LISTED = 20  # satellites' files hold hundreds of variables


def parse_path(variable: str, path: Path) -> list[tuple[str, int]]:
    """The steps of a path such as `hsi.Lidar[1].z` or `hsi/Lidar`: (name, index) pairs.

    The index, counted from 0, chooses an element of a struct array or of a cell array; without
    one it is 0, the first.

    Raises:
        VariableError: The path cannot be parsed.
    """
    steps = []
    for part in re.split(r"[./]", variable.strip("/")):
        match = _STEP.fullmatch(part)
        if match is None:
            raise VariableError(
                f"{path}: {variable!r} is not a variable path; write it as in 'hsi.Lidar[1].z'"
            )
        steps.append((match["name"], int(match["index"] or 0)))
    return steps


def find_variable(path: Path, asked: str, known: Iterable[str], listed: Iterable[str]) -> str:
    """The variable's path in the file, such as `products/rfl`, whose steps "." may separate too.

    Args:
        path: The file, for the message.
        asked: The name as the user wrote it.
        known: Paths of all variables, separated by "/".
        listed: Those that the message is to list.

    Raises:
        VariableError: There is none, or "." can be read as two of them.
    """
    names = list(known)
    if asked.strip("/") in names:  # first, since a name itself may hold a "."
        return asked.strip("/")
    found = [name for name in names if dotted(name) == dotted(asked)]
    if not found:
        raise missing_variable(path, dotted(asked), map(dotted, listed))
    if len(found) > 1:
        raise VariableError(
            f"{path}: '{asked}' may be {' or '.join(sorted(found))}; write it with '/'"
        )
    return found[0]


def dotted(name: str) -> str:
    """A path with "." between its steps, as messages show it."""
    return name.strip("/").replace("/", ".")


def missing_variable(path: Path, variable: str, known: Iterable[str]) -> VariableError:
    """The error that says what `path` holds instead of `variable`, the nearest name first."""
    names = sorted(sorted(known), key=lambda name: _likeness(variable, name), reverse=True)
    lower = {name.lower(): name for name in reversed(names)}
    near = get_close_matches(variable.lower(), lower, n=1, cutoff=0.5)
    nearest = lower[near[0]] if near else ""
    if names and _last_step(names[0]) == _last_step(variable):
        nearest = names[0]
    hint = f", did you mean '{nearest}'?" if nearest else ""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    inside = ", ".join(names[:_LISTED]) or "nothing"
    return VariableError(f"{path} has no variable '{variable}'{hint}; it holds: {inside}{more}")


def only_variable(path: Path, shapes: Mapping[str, Any]) -> str:
    """The file's one variable, for a configuration that names none.

    Args:
        path: The file, for the message.
        shapes: Name -> shape of every variable in it.

    Raises:
        VariableError: The file holds none or several.
    """
    if len(shapes) != 1:
        every = [f"{dotted(n)} {'x'.join(map(str, s))}" for n, s in sorted(shapes.items())]
        more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
        listed = ", ".join(every[:_LISTED]) + more
        raise VariableError(
            f"{path} holds {len(shapes)} variables ({listed or 'none'}); "
            "choose one with `variable:` in the scene's configuration"
        )
    return next(iter(shapes))


def _likeness(asked: str, name: str) -> tuple[bool, float]:
    """How near a name is; the name without its groups counts most."""
    ratio = SequenceMatcher(None, asked.lower(), name.lower()).ratio()
    return _last_step(asked) == _last_step(name), ratio


def _last_step(name: str) -> str:
    return name.lower().rpartition(".")[2]
