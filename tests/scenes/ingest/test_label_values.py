import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.label_maps import label_maps, table_of
from bdgf.scenes.readers.raw_array import RawArray
from tests.data.small_scene import npy_config
from tests.scenes.ingest.raw_arrays import YXB, cube, labels

IDS = np.array([[0, 1, 2], [3, 3, 1]], np.uint8)
COLOURS = {1: "#0000ff", 2: "#00a000", 3: "#ffd000"}
RGB = np.array([[0, 0, 0], [0, 0, 255], [0, 160, 0], [255, 208, 0]], np.uint8)
CLASSES = [{"id": i, "name": n} for i, n in enumerate(("water", "dry grass", "road"), 1)]


def config(classes=CLASSES, **said):
    return parse_scene_config("mine", npy_config(classes=classes, **said))


def coloured(**changes):
    return config([{**c, "color": COLOURS[c["id"]]} for c in CLASSES], **changes)


def ids(array, settings=None, **said):
    return label_maps("mine", {"labels": labels(array, **said)}, settings or config())["labels"]


def flat(values, **said):
    return cube(np.asarray(values)[..., None], **said)


@pytest.mark.parametrize("dtype", ["u1", ">i2", "f4", "f8", "?"])
def test_numbers(dtype):
    right = IDS.astype(dtype).astype(np.uint8)
    np.testing.assert_array_equal(ids(flat(IDS.astype(dtype))), right)


def test_masked_pixels_and_nodata_are_unlabelled():
    hidden = np.array([[False, True, False], [False, False, False]])
    np.testing.assert_array_equal(ids(flat(IDS, masked=hidden)), np.where(hidden, 0, IDS))
    np.testing.assert_array_equal(ids(flat(IDS, masked=hidden), mask="none"), IDS)
    filled = np.where(IDS == 0, 99, IDS)
    np.testing.assert_array_equal(ids(flat(filled, nodata=((99.0,),))), IDS)
    np.testing.assert_array_equal(ids(flat(IDS, nodata=((3.0,),))), IDS)  # the class wins


def test_a_declared_scale_is_applied_and_can_be_overruled():
    np.testing.assert_array_equal(ids(flat(IDS * 10, scale=(0.1,))), IDS)
    np.testing.assert_array_equal(ids(flat(IDS, scale=(0.1,)), scale="none"), IDS)
    with pytest.raises(SceneError, match="which are not labels"):
        ids(flat(IDS, scale=(0.25,)))


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_colours_of_the_classes(dtype):
    np.testing.assert_array_equal(ids(cube(RGB[IDS].astype(dtype)), coloured()), IDS)


def test_a_transparent_colour_is_unlabelled():
    rgba = np.dstack([RGB[IDS], np.where(IDS == 2, 0, 255)]).astype(np.uint8)
    rgba[IDS == 2, :3] = 77
    np.testing.assert_array_equal(ids(cube(rgba, alpha=3), coloured()), np.where(IDS == 2, 0, IDS))


def test_colours_that_are_none_of_a_class_are_listed():
    odd = RGB[IDS]
    odd[1, 1] = (1, 2, 3)
    with pytest.raises(SceneError, match=r"#010203 \(1 pixels\).*known: #000000, #0000ff.*color"):
        ids(cube(odd), coloured())
    np.testing.assert_array_equal(
        ids(cube(odd), coloured(unlabelled=[0, "#010203"])), [[0, 1, 2], [3, 0, 1]]
    )
    aliased = [{**c, "values": COLOURS[c["id"]]} for c in CLASSES]
    np.testing.assert_array_equal(ids(cube(RGB[IDS]), config(aliased)), IDS)


def test_three_equal_bands_are_numbers():
    np.testing.assert_array_equal(ids(cube(np.repeat(IDS[..., None], 3, axis=2))), IDS)


def test_other_bands_are_no_labels():
    with pytest.raises(SceneError, match="has 2 bands, but labels have one"):
        ids(cube(RGB[IDS][..., :2]))
    with pytest.raises(SceneError, match="`channels` names 5"):
        ids(cube(RGB[IDS]), channels=5)
    np.testing.assert_array_equal(ids(cube(np.dstack([IDS * 9, IDS])), channels=1), IDS)


def test_a_colour_table_tells_where_the_numbers_do_not():
    numbers = np.array([10, 40, 30, 20])[IDS]
    palette = {10: (0, 0, 0), 40: (0, 0, 255), 30: (0, 160, 0), 20: (255, 208, 0)}
    np.testing.assert_array_equal(ids(flat(numbers, palette=palette), coloured()), IDS)
    with pytest.raises(SceneError, match="outside the class list"):
        ids(flat(numbers, palette={**palette, 20: (9, 9, 9)}), coloured())
    np.testing.assert_array_equal(ids(flat(IDS, palette=palette), coloured()), IDS)


def regions(order, names, columns=IDS):
    numbers = np.zeros_like(IDS)
    for number, class_id in enumerate(order, 1):
        numbers[columns == class_id] = number
    return RawArray(numbers[..., None], axes=YXB, regions=tuple(names[i - 1] for i in order))


NAMES = ("Water", "dry_grass", "ROAD")


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3)])
def test_regions_are_matched_by_name(order):
    np.testing.assert_array_equal(ids(regions(order, NAMES)), np.where(np.isin(IDS, order), IDS, 0))


def test_regions_of_other_names():
    names = ("Water", "meadow", "ROAD")
    with pytest.raises(SceneError, match=r"'meadow' have the name of no class.*`values`"):
        ids(regions((1, 2, 3), names))
    alias = [CLASSES[0], {**CLASSES[1], "values": "Meadow"}, CLASSES[2]]
    np.testing.assert_array_equal(ids(regions((3, 2, 1), names), config(alias)), IDS)
    no_meadow = config(unlabelled=[0, "meadow"])
    np.testing.assert_array_equal(
        ids(regions((1, 2, 3), names), no_meadow), np.where(IDS == 2, 0, IDS)
    )


def both(train, test, settings):
    maps = {"official_train": labels(train, "official_train")}
    maps["official_test"] = labels(test, "official_test")
    return label_maps("mine", maps, settings), maps


def test_regions_without_any_known_name_need_one_order_in_all_files(caplog):
    names = ("a", "b", "c")
    read, _ = both(regions((1, 2, 3), names), regions((1, 2, 3), names), config())
    np.testing.assert_array_equal(read["official_test"], IDS)
    assert "taken in their order" in caplog.text
    with pytest.raises(SceneError, match="have the name of no class"):
        both(regions((1, 2, 3), names), regions((2, 3, 1), names), config())
    with pytest.raises(SceneError, match="have the name of no class"):
        both(regions((1, 2), names), regions((1, 2), names), config())


def test_without_a_class_list_the_regions_are_the_classes():
    settings = config(classes=[])
    read, maps = both(regions((2, 3), NAMES), regions((3, 1), NAMES), settings)
    table = table_of(settings, read, maps.values())
    assert table.names == ("dry_grass", "ROAD", "Water")
    np.testing.assert_array_equal(read["official_train"] == 2, IDS == 3)
    np.testing.assert_array_equal(read["official_test"] == 2, IDS == 3)
    np.testing.assert_array_equal(read["official_test"] == 3, IDS == 1)


def test_colours_of_16_bits():
    deep = cube(RGB[IDS].astype(np.uint16) * 257)
    np.testing.assert_array_equal(ids(deep, coloured()), IDS)
    with pytest.raises(SceneError, match="not 8-bit colours"):
        ids(cube(RGB[IDS].astype(np.uint16) * 256), coloured())
