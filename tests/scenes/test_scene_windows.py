"""Windows of an open scene."""

import numpy as np

from bdgf.raster.windows import Window
from bdgf.scenes.scene import LABELS, VALID
from bdgf.scenes.scene_windows import DatasetWindows, ModalityForm
from tests.inference.small_models import small_scene


def test_a_window_is_the_part_of_the_scene():
    scene = small_scene()
    windows = DatasetWindows(scene)
    window = Window(slice(3, 20), slice(30, 56))
    part = windows.read(window)
    for name in ("optical", "height", "sar", VALID):
        np.testing.assert_array_equal(part[name], scene[name][3:20, 30:56])
    assert windows.shape == (56, 56)
    units = scene.sar.attrs["units"]
    assert windows.modalities["sar"] == ModalityForm("auxiliary", units, "log", 2)
    assert windows.crs == scene.rio.crs
    assert windows.transform == scene.rio.transform()


def test_the_digest_is_of_the_numbers_alone():
    scene = small_scene()
    changed = scene.assign(height=scene.height.copy(data=scene.height.to_numpy() + 1))
    changed["height"].attrs = scene.height.attrs
    digest = DatasetWindows(scene).digest()
    assert DatasetWindows(scene.assign_attrs(scene="other")).digest() == digest
    assert DatasetWindows(changed).digest() != digest


def test_a_scene_without_a_label_has_none():
    scene = small_scene()
    labels, classes = DatasetWindows(scene).labels()
    np.testing.assert_array_equal(labels, scene[LABELS])
    assert classes.count == labels.max()
    assert DatasetWindows(scene.assign({LABELS: scene[LABELS] * 0})).labels() is None
