"""Windows of a prepared scene and its features are cut on the features' cells."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bdgf.features.prepared_window import fits_into_memory, read_window, resident_bytes
from bdgf.raster.windows import Window
from bdgf.training.devices import DeviceSettings
from tests.diffusion.small_scene import CHANNELS, prepared_scene
from tests.features.test_scene_tensors import cube

SHAPE = (29, 41)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return cube(tmp_path_factory.mktemp("cube") / "cube.h5", SHAPE)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.tuples(st.integers(0, 28), st.integers(1, 29)),
    columns=st.tuples(st.integers(0, 40), st.integers(1, 41)),
    reach=st.integers(0, 50),
    guided=st.booleans(),
)
def test_a_window_holds_its_surroundings_and_their_cells(stored, rows, columns, reach, guided):
    scene = prepared_scene(*SHAPE)
    window = Window(
        slice(rows[0], min(sum(rows), SHAPE[0])), slice(columns[0], min(sum(columns), SHAPE[1]))
    )
    read = read_window(scene, stored if guided else None, window, reach)
    name = next(iter(CHANNELS))
    here = read.prepared[name].to_numpy()
    inner = here[:, *read.core.index]
    np.testing.assert_array_equal(inner, scene[name].to_numpy()[:, *window.index])
    least = window.grown(reach, SHAPE)
    assert here.shape[1] >= least.shape[0]
    assert here.shape[2] >= least.shape[1]
    if not guided:
        assert read.features is None
        return
    first = window.rows.start - read.core.rows.start, window.columns.start - read.core.columns.start
    for level in stored.levels:
        found, step = read.features.read(level), 2**level
        top, left = (value // step for value in first)
        assert (top * step, left * step) == first  # a cell of the window is a cell of the scene
        whole = stored.read(level)
        height, width = found.shape[1:]
        assert (height, width) == tuple(-(-side // step) for side in here.shape[1:])
        np.testing.assert_array_equal(found, whole[:, top : top + height, left : left + width])


def test_what_does_not_fit_is_told_by_channels_and_features(stored):
    scene = prepared_scene(*SHAPE)
    channels = 4 * sum(CHANNELS.values()) * SHAPE[0] * SHAPE[1]
    features = 2 * (5 * 29 * 41 + 7 * 15 * 21)
    assert resident_bytes(scene) == channels
    assert resident_bytes(scene, stored) == channels + features
    limit = DeviceSettings(resident_gib=channels / 2**30)
    assert fits_into_memory(scene, None, limit)
    assert not fits_into_memory(scene, stored, limit)
    assert fits_into_memory(scene, stored, None)
