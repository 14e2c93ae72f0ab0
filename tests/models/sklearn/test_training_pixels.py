import numpy as np
import pytest

from bdgf.models.sklearn import training_pixels as module
from bdgf.models.sklearn.diffusion_features import ChannelsAndDiffusion
from bdgf.models.sklearn.feature_source import reader_of_maps
from bdgf.models.sklearn.pixel_features import ChannelsAndWindow, StackedChannels, WindowSettings
from bdgf.models.sklearn.training_pixels import (
    in_chunks,
    training_pixels,
    training_pixels_of_windows,
)
from bdgf.splits.parts import TRAIN, VALIDATION
from tests.diffusion.small_scene import prepared_scene
from tests.features.test_scene_tensors import cube

SHAPE = (37, 53)


def test_the_table_holds_training_pixels_in_order():
    features = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    labels = np.array([[1, 2, 0], [3, 1, 2]])
    split = np.array([[1, 2, 1], [3, 1, 0]])
    table_of_scene = reader_of_maps(features)
    table = training_pixels(table_of_scene, labels, split, use_validation=True)
    assert table.labels.tolist() == [1, 2, 1]
    assert table.features.tolist() == [[0, 6], [1, 7], [4, 10]]
    assert training_pixels(table_of_scene, labels, split, False).labels.tolist() == [1, 1]


def test_chunks_and_threads_do_not_change_the_answer():
    features, sizes = np.random.default_rng(0).normal(size=(23, 3)), []

    def predict(chunk):
        sizes.append(len(chunk))
        return chunk.sum(1, keepdims=True)

    wanted = features.astype(np.float32).sum(1, keepdims=True)
    for size, jobs in ((5, 1), (5, 2), (100, 2)):
        np.testing.assert_array_equal(in_chunks(predict, features, size, jobs), wanted)
    assert max(sizes[:5]) == 5
    assert sizes[-1] == 23


@pytest.mark.parametrize("guided", [False, True])
def test_windows_of_a_large_scene_describe_its_training_pixels(tmp_path, monkeypatch, guided):
    monkeypatch.setattr(module, "_SIDE", 16)
    prepared = prepared_scene(*SHAPE)
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 4, SHAPE) * (rng.random(SHAPE) < 0.1)
    split = rng.choice([TRAIN, VALIDATION, 0], SHAPE)
    made = cube(tmp_path / "cube.h5", SHAPE) if guided else None
    windows = ChannelsAndWindow(WindowSettings(window=5))
    for features in (ChannelsAndDiffusion(),) if guided else (StackedChannels(), windows):
        reader = features.table(prepared, made)
        whole = training_pixels(reader, labels, split, use_validation=True)
        found = training_pixels_of_windows(features, prepared, made, labels, split, True)
        np.testing.assert_array_equal(found.label_map, whole.label_map)
        # Sums over windows are taken from another corner.
        most = 1e-5 if features is windows else 0
        np.testing.assert_allclose(found.features, whole.features, atol=most)
