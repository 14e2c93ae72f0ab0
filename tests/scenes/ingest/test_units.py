import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.units import units_of
from tests.scenes.ingest.raw_arrays import cube, image


def units(*said, **settings):
    return units_of(*image(*(cube(np.zeros((2, 2, 1)), units=u) for u in said), **settings))


def test_units_of_the_raw_file_unless_the_scene_file_has_others(caplog):
    assert units("metre") == "metre"
    assert units("", "metre") == "metre"
    assert units("metre", units="m") == "m"
    assert units("W m-2 sr-1", units="radiance") == "radiance"
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("raw", "ours"), [("ft", "m"), ("US survey foot", "m"), ("%", "reflectance")]
)
def test_units_that_contradict_are_warned_of(caplog, raw, ours):
    assert units(raw, units=ours) == ours
    assert f"hsi0.dat says '{raw}', the scene's file '{ours}'" in caplog.text


@pytest.mark.parametrize("raw", ["dB", "decibels", " db "])
def test_decibels_are_not_taken_to_decibels(raw):
    with pytest.raises(SceneError, match=r"in dB already; leave out `to_decibels`"):
        units(raw, to_decibels=True)
