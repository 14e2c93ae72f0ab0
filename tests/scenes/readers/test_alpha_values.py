import numpy as np
import pytest

from bdgf.scenes.readers.alpha_values import grey_share


@pytest.mark.parametrize(
    ("values", "share"),
    [
        (np.array([[0, 255, 128, 255]], np.uint8), 0.25),
        (np.array([[0, 255, 255, 0]], np.uint16), 0.0),  # opaque is the greatest that occurs
        (np.array([[0, 1.0, 0.5, 0.25]], np.float32), 0.5),
    ],
)
def test_grey_is_neither_transparent_nor_opaque(values, share):
    assert grey_share(values) == share
