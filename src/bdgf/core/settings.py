"""The base of every settings model: frozen, and strict about unknown names."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

MAIN: JsonDict = {"main": True}
"""`Field(..., json_schema_extra=MAIN)` marks a parameter as one of the few that users turn.

These come first in `conf/base` and in `docs/reference/parameters.md`.
"""

SEARCH = "search"
"""Key of what `searched` and `searched_among` write beside a field."""


def searched(
    low: float | None = None,
    high: float | None = None,
    *,
    log: bool = False,
    step: int | None = None,
) -> JsonDict:
    """Marks a parameter that `kedro tune` searches; stands behind `json_schema_extra=MAIN |`.

    Args:
        low: The least value; None where the field says it (`ge`), or has a list of values.
        high: The greatest value; likewise (`le`).
        log: Whether values are drawn evenly in their logarithm.
        step: Distance of two values of an integer; None for 1.
    """
    told: JsonDict = {"low": low, "high": high, "step": step, **({"log": True} if log else {})}
    return {SEARCH: {name: value for name, value in told.items() if value is not None}}


def searched_among(*choices: Any) -> JsonDict:
    """Marks a parameter that `kedro tune` searches among `choices`, each as it stands in YAML."""
    return {SEARCH: {"choices": list(choices)}}


class Settings(BaseModel):
    """Typed, validated settings of one part.

    Names, defaults and descriptions are written here only; `make settings` makes the files of
    `conf/base` and the reference page from them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
