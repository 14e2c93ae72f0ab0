import pytest
from pydantic import ValidationError

from bdgf.diffusion.masking.settings import MaskingSettings


def test_rates_that_would_hide_everything_are_refused():
    with pytest.raises(ValidationError, match="p_min \\+ p_max must stay under 1"):
        MaskingSettings(p_min=0.5, p_max=0.6)
