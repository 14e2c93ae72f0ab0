import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.scene import class_table
from tests.data.small_scene import HSI, LABELS, TEST, TRAIN, changed, load, npy_config


def test_labels_outside_the_class_list_are_counted(tmp_path):
    labels = changed(changed(LABELS, (0, slice(3)), 9), (1, 0), 12)
    message = (
        r"labels from labels\.npy holds 9 \(3 pixels\), 12 \(1 pixels\), outside the class list"
    )
    with pytest.raises(SceneError, match=message):
        load(tmp_path, labels=labels)


def test_float_labels_are_accepted_when_whole(tmp_path):
    labels = changed(LABELS.astype(np.float32), LABELS == 0, np.nan)
    np.testing.assert_array_equal(load(tmp_path, labels=labels)["labels"], LABELS)
    with pytest.raises(SceneError, match=r"holds 1\.5, which are not labels"):
        load(tmp_path, labels=changed(labels, (0, 0), 1.5))


def test_unlabelled_values_and_class_values(tmp_path):
    values = np.array([255, 0, 40, 50])[LABELS].astype(np.uint8)
    values[(LABELS == 3) & (np.indices(LABELS.shape)[1] % 2 == 0)] = 60
    classes = [
        {"id": 1, "name": "water", "values": 0},
        {"id": 2, "name": "grass", "values": 40},
        {"id": 3, "name": "built", "values": [50, 60]},
    ]
    config = npy_config(unlabelled=255, classes=classes, official_train=None, official_test=None)
    np.testing.assert_array_equal(load(tmp_path, config, labels=values)["labels"], LABELS)


def test_without_a_class_list_the_labels_give_one(tmp_path):
    scene = load(tmp_path, npy_config(classes=[]))
    assert class_table(scene).names == ("class 1", "class 2", "class 3")
    with pytest.raises(SceneError, match=r"holds 300 \(1 pixels\), outside the class list \(none"):
        load(tmp_path, npy_config(classes=[]), labels=changed(LABELS.astype(int), (0, 0), 300))


def test_without_labels_the_official_maps_give_them(tmp_path):
    np.testing.assert_array_equal(load(tmp_path, npy_config(labels=None))["labels"], LABELS)


def test_one_official_map_alone_is_none(tmp_path, caplog):
    config = npy_config(official_test={"file": "no.npy", "optional": True})
    assert "official_train" not in load(tmp_path, config)
    assert "train.npy is there without its counterpart" in caplog.text


@pytest.mark.parametrize("first_index", [0, 1])
def test_lists_of_pixels(tmp_path, first_index):
    lists = {
        f"official_{key}": {"file": f"{key}.npy", "form": "pixels", "first_index": first_index}
        for key in ("train", "test")
    }
    train, test = (np.argwhere(m).astype(np.uint16) + first_index for m in (TRAIN, TEST))
    scene = load(tmp_path, npy_config(**lists), train=train, test=test)
    np.testing.assert_array_equal(scene["official_train"], TRAIN)
    np.testing.assert_array_equal(scene["official_test"], TEST)
    with pytest.raises(
        SceneError, match=r"1 of its pixels lie outside labels\.npy \(24x20\); check"
    ):
        load(tmp_path, npy_config(**lists), train=changed(train, (0, 0), 999), test=test)
    with pytest.raises(SceneError, match="the map of all labels is needed beside it"):
        load(tmp_path, npy_config(labels=None, **lists), train=train, test=test)


def test_differing_counts_are_warned_of_with_both_numbers(tmp_path, caplog):
    classes = [
        {"id": 1, "name": "water", "labelled": 91, "train": 12},
        {"id": 2, "name": "grass", "labelled": 80, "train": 99},
        {"id": 3, "name": "road"},
    ]
    load(tmp_path, npy_config(classes=classes))
    assert "labelled pixels differ from the published counts (in brackets): water 90 (91);" in (
        caplog.text
    )
    assert "train pixels differ from the published counts (in brackets): grass 11 (99);" in (
        caplog.text
    )


def test_a_class_without_training_pixels_is_named(tmp_path):
    train = changed(TRAIN, TRAIN == 2, 0)
    with pytest.raises(SceneError, match="class 'grass' has no training pixel with data"):
        load(tmp_path, train=train)
    hidden = changed(HSI, TRAIN == 2, np.nan)
    with pytest.raises(SceneError, match="class 'grass' has no training pixel with data"):
        load(tmp_path, hsi=hidden)


def test_labels_without_data_and_shared_pixels_are_warned_of(tmp_path, caplog):
    row, column = np.argwhere(TEST)[0]
    load(tmp_path, hsi=changed(HSI, (row, column), np.nan), test=np.where(TRAIN, TRAIN, TEST))
    assert "1 labelled pixels have no data and are not used" in caplog.text
    assert "33 pixels are both official_train and official_test" in caplog.text
