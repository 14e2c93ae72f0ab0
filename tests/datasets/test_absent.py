"""The entry of the catalog that a run does without."""

import pytest
from kedro.io import DatasetError

from bdgf.datasets.absent import AbsentDataset


def test_it_is_there_and_gives_nothing():
    assert AbsentDataset().exists()
    assert AbsentDataset().load() is None


@pytest.mark.parametrize("data", [None, 1])
def test_it_takes_nothing(data):
    with pytest.raises(DatasetError, match="not allowed" if data is None else "cannot be saved"):
        AbsentDataset().save(data)
