"""Whether diffusion features guide."""

import pytest

from bdgf.models.patch.guidance_choice import GuidanceChoice


@pytest.mark.parametrize(
    ("guided", "error", "errors", "kept"),
    [
        (0.3, 0.05, 1.0, True),
        (0.3, 0.15, 1.0, False),
        (0.3, 0.15, 0.5, True),
        (0.39, 0.05, 0.0, True),
        (0.41, 0.05, 0.0, False),
        (0.41, 0.0, 1.0, False),
    ],
)
def test_guidance_that_gains_no_more_than_chance_is_left_out(guided, error, errors, kept):
    assert GuidanceChoice(guided, 0.4, error, errors).kept is kept
