from dataclasses import replace

import numpy as np
import pytest

from bdgf.scenes.ingest.hollow_layers import hollow, lie_alike
from bdgf.scenes.readers.raw_array import WindowsError
from tests.scenes.ingest.raw_arrays import cube, image


def part(**said):
    found = image(cube(np.ones((1, 1, 3), np.int16)))[0]
    array = replace(found.arrays[0], whole=(4000, 5000), **said)
    return replace(found, arrays=(array,))


def test_a_layer_has_the_size_of_its_file_and_takes_no_memory():
    (array,) = hollow(part(masked=np.ones((1, 1), bool))).arrays
    assert array.values.shape == (4000, 5000, 3)
    assert array.values.dtype == np.int16
    assert array.values.strides == (0, 0, 0)
    assert array.masked is None


@pytest.mark.parametrize("said", [{"alpha": 2}, {"axes": None}, {"axes": ("band", "y", "x")}])
def test_what_only_the_whole_tells_is_refused(said):
    with pytest.raises(WindowsError):
        hollow(part(**said))
    with pytest.raises(WindowsError):
        hollow(replace(part(), arrays=(replace(part().arrays[0], whole=None),)))


def test_a_turned_array_does_not_lie_as_before():
    found = image(cube(np.ones((2, 2, 1)), transform=(1, 0, 0, 0, -1, 0)))[0]
    turned = replace(found, arrays=(replace(found.arrays[0], transform=(1, 0, 0, 0, 1, -2)),))
    assert lie_alike(found, found)
    assert not lie_alike(found, turned)
