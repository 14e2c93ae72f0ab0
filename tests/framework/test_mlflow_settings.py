"""Names of registered models."""

import pytest
from pydantic import ValidationError

from bdgf.framework.mlflow_settings import MlflowSettings


@pytest.mark.parametrize("name", ["coast", "land cover 2.1", "Küste-süd_3", 2018, None])
def test_a_name_that_can_stand_in_an_address_is_taken(name: object) -> None:
    taken = MlflowSettings.model_validate({"register": name}).registered_name
    assert taken == (None if name is None else str(name))


@pytest.mark.parametrize(
    "name", ["", " coast", "coast ", ".", "a/b", "a:b", "a?b", "a@b", "x" * 101]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="begins with a letter or digit"):
        MlflowSettings.model_validate({"register": name})
