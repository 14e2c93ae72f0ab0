"""Names of variables: paths into nested structs, and errors that list what a file holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from bdgf.scenes.readers.raw_array import VariableError

_STEP = re.compile(r"(?P<name>[^\[\]]+)(?:\[(?P<index>\d+)\])?")


def parse_path(variable: str, path: Path) -> list[tuple[str, int]]:
    """The steps of a dotted path such as `hsi.Lidar[1].z`: (name, index) pairs.

    The index, counted from 0, chooses an element of a struct array or of a cell array; without
    one it is 0, the first.

    Raises:
        VariableError: The path cannot be parsed.
    """
    steps = []
    for part in variable.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            raise VariableError(
                f"{path}: {variable!r} is no variable's path; write it as in 'hsi.Lidar[1].z'"
            )
        steps.append((match["name"], int(match["index"] or 0)))
    return steps


def missing_variable(path: Path, variable: str, known: Iterable[str]) -> VariableError:
    """The error that says what `path` holds instead of `variable`, the nearest name first."""
    names = sorted(known)
    lower = {name.lower(): name for name in names}
    near = get_close_matches(variable.lower(), lower, n=1, cutoff=0.5)
    hint = f", did you mean '{lower[near[0]]}'?" if near else ""
    return VariableError(
        f"{path} has no variable '{variable}'{hint}; it holds: {', '.join(names) or 'nothing'}"
    )


def only_variable(path: Path, shapes: Mapping[str, Any]) -> str:
    """The file's one variable, for a configuration that names none.

    Args:
        path: The file, for the message.
        shapes: Name -> shape of every variable in it.

    Raises:
        VariableError: The file holds none or several.
    """
    if len(shapes) != 1:
        listed = ", ".join(f"{n} {'x'.join(map(str, s))}" for n, s in sorted(shapes.items()))
        raise VariableError(
            f"{path} holds {len(shapes)} variables ({listed or 'none'}); "
            "choose one with `variable:` in the scene's configuration"
        )
    return next(iter(shapes))
