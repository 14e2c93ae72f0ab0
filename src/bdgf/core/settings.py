"""The base of every settings model: frozen, and strict about unknown names."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Typed, validated settings of one part; the defaults are mirrored in `conf/base`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
