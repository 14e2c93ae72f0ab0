"""The base of every settings model."""

import pytest
from pydantic import Field, ValidationError

from bdgf.core.settings import MAIN, Settings


class Sizes(Settings):
    width: int = Field(3, ge=1, json_schema_extra=MAIN)
    depth: int = 1


def test_an_unknown_name_is_refused():
    with pytest.raises(ValidationError, match="widht"):
        Sizes(widht=4)


def test_settings_do_not_change_once_they_are_made():
    with pytest.raises(ValidationError, match="frozen"):
        Sizes().width = 4


def test_the_parameters_that_users_turn_are_marked():
    properties = Sizes.model_json_schema()["properties"]
    assert [name for name, field in properties.items() if field.get("main")] == ["width"]
