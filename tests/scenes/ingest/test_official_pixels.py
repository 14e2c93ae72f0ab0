import numpy as np
import pytest

from bdgf.core.errors import SceneError, SettingsError
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.label_maps import label_maps
from bdgf.scenes.ingest.official_pixels import refuse_unsaid_list
from bdgf.scenes.readers.raw_array import RawArray
from tests.data.small_scene import LABELS, TEST, TRAIN, changed, load, npy_config
from tests.scenes.ingest.raw_arrays import cube, labels

MASK = (TRAIN > 0).astype(np.uint8)


def maps_of(train, **said):
    config = parse_scene_config("mine", npy_config())
    found = {"labels": labels(cube(LABELS[..., None]))}
    array = RawArray(train) if said.get("form") == "pixels" else cube(train[..., None])
    found["official_train"] = labels(array, "official_train", **said)
    return label_maps("mine", found, config)["official_train"]


@pytest.mark.parametrize("top", [1, 255])
def test_a_mask_takes_its_classes_from_the_labels(top):
    for form in (None, "mask"):
        np.testing.assert_array_equal(maps_of(MASK * np.uint8(top), form=form), TRAIN)


def test_a_boolean_mask_and_one_with_nan():
    np.testing.assert_array_equal(maps_of(MASK.astype(bool)), TRAIN)
    np.testing.assert_array_equal(maps_of(np.where(MASK, 1.0, np.nan)), TRAIN)


def test_a_map_of_one_class_stays_one():
    np.testing.assert_array_equal(maps_of((TRAIN == 1).astype(np.uint8)), (TRAIN == 1) * 1)
    np.testing.assert_array_equal(maps_of(MASK, form="map"), MASK)


def test_a_class_that_lists_names_alone_has_its_id_as_number(tmp_path):
    classes = [{"id": i, "name": f"c{i}", "values": f"region {i}"} for i in (1, 2, 3)]
    config = npy_config(classes=classes)
    one_class = ((TEST == 1) * 1).astype(np.uint8)
    scene = load(tmp_path, config, test=one_class)
    np.testing.assert_array_equal(scene["official_test"], one_class)
    one_class[tuple(np.argwhere(LABELS == 2)[0])] = 1
    with pytest.raises(SceneError, match="set `form: mask` or `form: map`"):
        load(tmp_path, config, test=one_class)


def test_a_map_of_one_class_with_a_few_others_may_be_either():
    doubtful = ((LABELS == 1) * 1).astype(np.uint8)
    doubtful[tuple(np.argwhere(LABELS == 2)[0])] = 1
    with pytest.raises(SceneError, match="set `form: mask` or `form: map`"):
        maps_of(doubtful)
    assert (maps_of(doubtful, form="mask") == 2).sum() == 1
    np.testing.assert_array_equal(maps_of(doubtful, form="map"), doubtful)


def test_a_mask_beside_no_map_of_labels_is_recognised(tmp_path):
    with pytest.raises(SceneError, match=r"test\.npy.*0 and 1 only: it seems a mask"):
        load(tmp_path, npy_config(labels=None), test=(TEST > 0).astype(np.uint8))


def test_unlabelled_pixels_of_a_mask_are_counted(caplog):
    mask = changed(MASK, tuple(np.argwhere(LABELS == 0)[0]), 1)
    np.testing.assert_array_equal(maps_of(mask), TRAIN)
    assert "1 of its pixels have no label" in caplog.text


def test_one_map_that_marks_both_by_numbers(tmp_path):
    both = {"train": (TRAIN > 0) + 2 * (TEST > 0)}
    train = {"file": "train.npy", "form": "mask", "chosen": 1}
    split = {"official_train": train, "official_test": {**train, "chosen": [2]}}
    scene = load(tmp_path, npy_config(**split), **both)
    np.testing.assert_array_equal(scene["official_train"], TRAIN)
    np.testing.assert_array_equal(scene["official_test"], TEST)
    same = {"official_train": {"file": "train.npy"}, "official_test": {"file": "train.npy"}}
    with pytest.raises(SceneError, match=r"are both train\.npy.*`chosen: 1`"):
        load(tmp_path, npy_config(**same), **both)
    with pytest.raises(SettingsError, match="add `form: mask`"):
        load(tmp_path, npy_config(official_train={"file": "train.npy", "chosen": 1}))


PIXELS = np.argwhere(TRAIN)


@pytest.mark.parametrize("axes", [None, "x, y"])
@pytest.mark.parametrize("first_index", [0, 1])
@pytest.mark.parametrize("turned", [False, True])
def test_lists_of_pixels(axes, first_index, turned):
    pixels = PIXELS[:, ::-1] if axes else PIXELS
    pixels = (pixels + first_index).astype(np.uint16)
    said = {"form": "pixels", "axes": axes, "first_index": first_index}
    np.testing.assert_array_equal(maps_of(pixels.T if turned else pixels, **said), TRAIN)


@pytest.mark.parametrize(
    ("pixels", "advice"),
    [(PIXELS[:, ::-1], r"`axes: \[x, y\]`"), (PIXELS + 1, "`first_index: 1`")],
)
def test_a_list_read_the_wrong_way_names_the_right_one(pixels, advice):
    with pytest.raises(SceneError, match=advice):
        maps_of(pixels, form="pixels")


def test_what_is_no_list_of_pixels():
    with pytest.raises(SceneError, match="is 5x3, not n x 2"):
        maps_of(np.zeros((5, 3), int), form="pixels")
    with pytest.raises(SceneError, match="no integers"):
        maps_of(PIXELS + 0.5, form="pixels")
    with pytest.raises(SceneError, match=r"1 of its pixels lie outside .*check `first_index`"):
        maps_of(changed(PIXELS, (0, 0), 999), form="pixels")


def array_maps(array, config_changes=None, **said):
    config = parse_scene_config("mine", npy_config(**(config_changes or {})))
    found = {"labels": labels(cube(LABELS[..., None]))}
    found["official_train"] = labels(array, "official_train", **said)
    return label_maps("mine", found, config)["official_train"]


@pytest.mark.parametrize("form", [None, "mask"])
def test_nodata_of_a_mask_is_outside_it(form):
    values = np.where(MASK, 1, 255).astype(np.uint8)[..., None]
    np.testing.assert_array_equal(array_maps(cube(values, nodata=((255,),)), form=form), TRAIN)


@pytest.mark.parametrize("form", [None, "mask"])
def test_a_mask_whose_number_means_unlabelled_elsewhere(form):
    values = (MASK * np.uint8(255))[..., None]
    said = {"unlabelled": [0, 255]}
    np.testing.assert_array_equal(array_maps(cube(values), said, form=form), TRAIN)


def test_a_mask_holds_no_negative_numbers():
    with pytest.raises(SceneError, match="holds -1, but in a mask"):
        maps_of(np.where(MASK, 1, -1), form="mask")


@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (1, -1)])
def test_numbers_of_pixels_row_by_row_or_column_by_column(shape):
    rows = np.flatnonzero(MASK).reshape(shape)
    np.testing.assert_array_equal(maps_of(rows, form="pixels", axes=["y", "x"]), TRAIN)
    columns = np.flatnonzero(MASK.T).reshape(shape) + 1
    said = {"form": "pixels", "first_index": 1, "axes": ["x", "y"]}
    np.testing.assert_array_equal(maps_of(columns, **said), TRAIN)


def test_a_list_that_may_count_from_0_or_1_is_refused_unless_said():
    inner = MASK.copy()
    inner[[0, -1]], inner[:, [0, -1]] = 0, 0
    dense = {"labels": labels(cube(np.maximum(LABELS, 1)[..., None]))}
    array = RawArray(np.argwhere(inner))
    for said, is_refused in (({}, True), ({"first_index": 0}, False)):
        official = labels(array, "official_train", form="pixels", **said)
        found = {**dense, "official_train": official}
        config = parse_scene_config("mine", npy_config())
        if is_refused:
            with pytest.raises(SceneError, match="say which with `first_index`"):
                label_maps("mine", found, config)
        else:
            label_maps("mine", found, config)


@pytest.mark.parametrize("shape", [(5, 2), (2, 5), (5,), (5, 1)])
def test_a_list_that_is_not_said_to_be_one(shape):
    found = labels(RawArray(np.ones(shape, int)), "official_train")
    with pytest.raises(SceneError, match="set `form: pixels`"):
        refuse_unsaid_list(found)
