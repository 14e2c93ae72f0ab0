"""The base of every settings model: frozen, and strict about unknown names."""

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

MAIN: JsonDict = {"main": True}
"""`Field(..., json_schema_extra=MAIN)` marks a parameter as one of the few that users turn.

These come first in `conf/base` and in `docs/reference/parameters.md`.
"""


class Settings(BaseModel):
    """Typed, validated settings of one part.

    Names, defaults and descriptions are written here only; `make settings` makes the files of
    `conf/base` and the reference page from them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
