"""The line on wild values names band, value, count, and what to do."""

import numpy as np

from bdgf.preprocessing.wild_values import WildBand
from bdgf.preprocessing.wild_warning import wild_warning


def wild(band, *values, pixels=1):
    return WildBand(band, tuple(float(np.float32(v)) for v in values), pixels, (0.0, 0.5))


def test_one_band():
    line = wild_warning("hsi", [wild(7, 1e20)], 1)
    for words in (
        "hsi",
        "band 7 ",
        "1e+20",
        "1 pixel,",
        "fill value",
        "`nodata: 1e+20`",
        "0 to 0.5",
    ):
        assert words in line
    assert "\n" not in line


def test_a_value_of_many_bands_is_told_once():
    line = wild_warning("hsi", [wild(band, -9999, pixels=12) for band in range(100)], 12)
    assert line.count("holds -9999") + line.count("hold -9999") == 1
    assert "12 pixels each" in line
    assert "`nodata: -9999`" in line
    assert len(line) < 300


def test_different_values_have_no_one_remedy_and_few_words():
    bands = [wild(band, 1e10 + 1e6 * band, 2e20, pixels=2) for band in range(9)]
    line = wild_warning("hsi", bands, 18)
    assert "2 values from 1e+10 to 2e+20" in line
    assert "6 more bands" in line
    assert "`nodata: <value>`" in line
    assert "fill" not in line
