"""Parses `--params`: names and values separated by commas, with values in YAML.

Kedro cuts at every comma, also at those inside a list. Here an item ends at the first comma where
its value is whole; what Kedro's own option takes is taken as it takes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bdgf.core.errors import SettingsError

# Only a value with one of these can hold a comma: any other ends at the first.
_OPENS = ("[", "{", "'", '"')
_INTERPOLATION = "${"
_NAMES = ("dataset",)
"""Parameters that are the name of a file: taken as typed, as `1e3`, `no` and `010` may be one."""


def parse_params(typed: Iterable[str]) -> dict[str, Any]:
    """The parameters of one or several `--params`, nested; later ones win.

    Args:
        typed: The text behind each.

    Raises:
        SettingsError: A text is not of the form name=value, or a value is no YAML.
    """
    items = [item for text in typed for item in _items(text)]
    parsed: dict[str, Any] = OmegaConf.to_container(OmegaConf.from_dotlist(items))  # type: ignore[assignment]
    return parsed


def _items(text: str) -> list[str]:
    """Texts `name=value`, one a parameter."""
    items: list[str] = []
    pieces = text.split(",")
    while pieces:
        name, equals, value = (part.strip() for part in pieces[0].partition("="))
        length = 1
        if name and equals:
            if name in _NAMES and not value.startswith(_OPENS) and _INTERPOLATION not in value:
                value = f"'{value.replace(chr(39), 2 * chr(39))}'"
                pieces[0] = f"{name}={value}"
            length, value = _whole(name, value, pieces)
            items.append(f"{name}={value}")
        elif pieces[0].strip():  # else there is nothing between two commas, or behind the last
            raise SettingsError(f"--params: '{pieces[0].strip()}' is not of the form name=value")
        pieces = pieces[length:]
    return items


def _whole(name: str, value: str, pieces: list[str]) -> tuple[int, str]:
    """How many pieces between commas the first value takes, and the value."""
    most = len(pieces) if value.startswith(_OPENS) or _INTERPOLATION in value else 1
    for length in range(1, most + 1):
        whole = ",".join([value, *pieces[1:length]]).strip()
        try:
            OmegaConf.from_dotlist([f"{name}={whole}"])
        except IndexError:  # OmegaConf on a bracket in the name that is never closed
            problem = "the name is none"
        except (yaml.YAMLError, OmegaConfBaseException) as error:
            problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        else:
            return length, whole
    raise SettingsError(f"--params: '{name}={whole}' cannot be read: {problem}")
