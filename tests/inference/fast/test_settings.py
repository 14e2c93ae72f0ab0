"""The group `distil`."""

import pytest
from pydantic import ValidationError

from bdgf.inference.fast.settings import DistilSettings


@pytest.mark.parametrize("wrong", [{"held_out": 0}, {"hidden": 1.5}, {"steps": 0}, {"share": 1}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        DistilSettings.model_validate(wrong)
