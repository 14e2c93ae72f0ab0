from pathlib import Path

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.core.machine_memory import GIB
from bdgf.scenes.readers.reading_limits import (
    ReadingLimits,
    ReadingSettings,
    check_declared,
    limits_in_force,
    reading_limits,
)

FILE = Path("a.tif")
SMALL = ReadingLimits(most_bytes=1000, seconds=1.0)


def test_what_fits_is_taken() -> None:
    with reading_limits(SMALL):
        check_declared(FILE, "its header", (10, 25), np.dtype("f4"), held=1000)


def test_more_than_the_limit_says_how_to_raise_it() -> None:
    with reading_limits(SMALL), pytest.raises(SceneError) as caught:
        check_declared(FILE, "its header", (1024, 1024, 1025), 4)
    line = str(caught.value)
    assert line.startswith("a.tif: its header declares 1024x1024x1025 numbers, 4 GiB")
    assert "--params ingest.most_gib=5" in line


def test_more_than_the_file_holds_is_damage() -> None:
    with pytest.raises(SceneError, match="80 bytes, but there are only 79; the file is damaged"):
        check_declared(FILE, "its header", (10,), 8, held=79)
    with pytest.raises(SceneError, match="damaged"):
        check_declared(FILE, "its header", (10, -1), 8)


def test_the_default_limit_is_a_share_of_the_machine_and_ends_with_the_reading() -> None:
    assert ReadingLimits.of(ReadingSettings(most_gib=2)).most_bytes == 2 * GIB
    default = limits_in_force()
    assert default.most_bytes > 0
    with reading_limits(SMALL):
        assert limits_in_force() == SMALL
    assert limits_in_force() == default
