"""What is typed behind `kedro bench`."""

import pytest

from bdgf.core.errors import SettingsError
from bdgf.experiments.cli import names, parse_seeds


def test_seeds_are_numbers_and_ranges() -> None:
    assert parse_seeds("3, 0-2,1") == (3, 0, 1, 2)
    for wrong in ("one", "-1", "3-1", "1.5", "", "4294967296"):
        with pytest.raises(SettingsError, match="--seeds"):
            parse_seeds(wrong)
    assert names("a, b,a", "--scenes") == ("a", "b")
