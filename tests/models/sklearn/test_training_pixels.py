import numpy as np

from bdgf.models.sklearn.feature_source import reader_of_maps
from bdgf.models.sklearn.training_pixels import in_chunks, training_pixels


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
