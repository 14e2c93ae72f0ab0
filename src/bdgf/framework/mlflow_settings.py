"""The group `mlflow`: what MLflow keeps of a training in addition to its metrics."""

from __future__ import annotations

import re

from pydantic import ConfigDict, Field, field_validator

from bdgf.core.settings import MAIN, Settings

_REGISTERED = re.compile(r"[^\W_][\w .-]{0,99}")


class MlflowSettings(Settings):
    """What MLflow keeps of a training in addition to its metrics."""

    model_config = ConfigDict(coerce_numbers_to_str=True)  # a model may be called 2018

    registered_name: str | None = Field(
        None,
        alias="register",  # a class of pydantic has an attribute of this name
        description="Name under which MLflow registers the trained model, as its next "
        "version; null does not register it",
        json_schema_extra=MAIN,
    )

    @field_validator("registered_name")
    @classmethod
    def _fits_into_addresses(cls, name: str | None) -> str | None:
        # MLflow takes more, but not all of that can stand in `models:/<name>/<version>`.
        if name is not None and (not _REGISTERED.fullmatch(name) or name != name.strip()):
            raise ValueError(
                "it names a registered model, so it begins with a letter or digit and has up to "
                "100 letters, digits, spaces, and . - _"
            )
        return name
