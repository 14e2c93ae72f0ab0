import numpy as np
import pytest

from bdgf.scenes.readers.raw_array import RawArray
from tests.scenes.ingest.raw_arrays import image, labels


@pytest.mark.parametrize(
    ("found", "key"),
    [
        (image(RawArray(np.zeros((2, 2))), name="hsi")[0], "modalities.hsi"),
        (labels(RawArray(np.zeros((2, 2)))), "labels"),
        (labels(RawArray(np.zeros((2, 2))), "official_train"), "official_train"),
    ],
)
def test_the_key_is_its_place_in_the_scenes_file(found, key):
    assert found.key == key
    assert found.about.startswith(f"mine: {found.item} from {found.where}")
