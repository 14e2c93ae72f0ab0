"""Splits: the properties that make a measured accuracy honest."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter

from bdgf.core.errors import SceneError, SettingsError
from bdgf.scenes.scene import georeference, with_groups
from bdgf.scenes.tiles import with_tiles
from bdgf.splits.parts import PARTS, TEST, TRAIN, VALIDATION, split_totals
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import SPLITS, make_split
from bdgf.splits.validation_groups import ValidationSettings, grid_blocks
from tests.splits.random_scenes import random_scene


def split_counts(split, labels) -> dict[str, dict[int, int]]:
    """Pixels by part (train, validation, test) and class id; classes with none are left out."""
    counts = {}
    for part, code in PARTS.items():
        ids, numbers = np.unique(labels[split.to_numpy() == code], return_counts=True)
        counts[part] = {int(i): int(n) for i, n in zip(ids, numbers, strict=True)}
    return counts


def chebyshev_distances(first, second):
    """Brute force: for each pixel of `first`, the distance to the nearest of `second`."""
    a, b = np.argwhere(first), np.argwhere(second)
    return np.abs(a[:, None] - b[None]).max(axis=-1).min(axis=1)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(SPLITS)),
    seed=st.integers(0, 50),
    radius=st.integers(0, 4),
    groups=st.sampled_from(["components", "blocks", "pixels"]),
)
def test_every_split_is_sound(name, seed, radius, groups):
    scene = random_scene(seed)
    if name == "outside_test":  # which needs labels that do not test
        scene["official_test"][:, 12:] = 0
    chosen = SplitSettings(
        name=name,
        per_class=10,
        fraction=0.1,
        block=10,
        train_share=0.4,
        farthest=4,
        validation=ValidationSettings(groups=groups, block=5),
    )
    split = make_split(scene, chosen, seed, radius)
    parts, labels = split.to_numpy(), scene["labels"].to_numpy()
    assert split.dims == ("y", "x")
    assert split.dtype == np.uint8
    assert split.attrs["name"] == name
    assert split.attrs["seed"] == seed
    assert (labels[parts != 0] != 0).all()
    assert (scene["valid"].to_numpy()[parts != 0] == 1).all()
    counts = split_counts(split, labels)
    assert set(counts["train"]) == {1, 2, 3}
    for class_id in (1, 2, 3):  # two training pixels or polygons or more: one of each part
        given_pixels = counts["train"][class_id] + counts["validation"].get(class_id, 0)
        trained = np.isin(parts, (TRAIN, VALIDATION)) & (labels == class_id)
        polygons = len(np.unique(scene["groups"].to_numpy()[trained]))
        given = polygons if name == "polygons" else given_pixels
        if name != "tiles":  # whose classes come as they lie in the tiles
            assert (class_id in counts["validation"]) == (given >= 2)
    if name == "official":
        assert (scene["official_train"].to_numpy()[(parts == 1) | (parts == 2)] != 0).all()
        assert (scene["official_test"].to_numpy()[parts == TEST] != 0).all()
    if name in ("per_class", "fraction"):  # stratified, to the pixel
        usable = np.where(scene["valid"].to_numpy() > 0, labels, 0)
        for class_id in (1, 2, 3):
            pixels = int((usable == class_id).sum())
            wanted = min(10, pixels // 2) if name == "per_class" else round(0.1 * pixels)
            given_pixels = counts["train"][class_id] + counts["validation"].get(class_id, 0)
            assert given_pixels == max(1, wanted)
            assert counts["test"][class_id] == pixels - given_pixels
    if name == "training_blocks":
        assert (scene["official_train"].to_numpy()[parts != 0] != 0).all()
    if name in ("spatial_blocks", "training_blocks", "outside_test", "tiles") and radius:
        used = (parts == TRAIN) | (parts == VALIDATION)
        assert chebyshev_distances(used, parts == TEST).min() > radius
    np.testing.assert_array_equal(make_split(scene, chosen, seed, radius), parts)


@pytest.mark.parametrize("buffer", [3, 5])
def test_polygons_keep_a_buffer_that_is_asked_for(buffer):
    scene = random_scene(0, polygon=20)
    free = make_split(scene, SplitSettings(name="polygons", train_share=0.5), 0, 2).to_numpy()
    chosen = SplitSettings(name="polygons", train_share=0.5, buffer=buffer)
    parts = make_split(scene, chosen, 0, 2).to_numpy()
    np.testing.assert_array_equal(parts == TEST, free == TEST)
    used, before = (np.isin(split, (TRAIN, VALIDATION)) for split in (parts, free))
    near = maximum_filter((parts == TEST).astype(int), 2 * buffer + 1) > 0
    np.testing.assert_array_equal(used, before & ~near)
    assert (before & near).any()
    with pytest.raises(SettingsError, match="narrower than the patch radius"):
        make_split(scene, chosen, 0, buffer + 1)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 100),
    share=st.floats(0.05, 0.95),
    carved=st.floats(0, 0.9),
    budget=st.none() | st.integers(1, 40),
    side=st.integers(2, 19),
)
def test_no_polygon_has_pixels_in_two_parts(seed, share, carved, budget, side):
    scene = random_scene(seed)
    labels = scene["labels"].to_numpy()
    # Several patches may be one polygon, as those of a multipolygon are.
    scene = with_groups(scene, 3 * (grid_blocks(labels.shape, side) % 7) + labels)
    chosen = SplitSettings(
        name="polygons",
        train_share=share,
        samples_per_class=budget,
        validation=ValidationSettings(fraction=carved),
    )
    parts = make_split(scene, chosen, seed, 3).to_numpy()
    groups = scene["groups"].to_numpy()
    for group in np.unique(groups[groups > 0]):
        assert len(set(np.unique(parts[groups == group])) - {0}) <= 1
    usable = (labels != 0) & (scene["valid"].to_numpy() != 0)
    for class_id in (1, 2, 3):
        members = usable & (labels == class_id)
        every = len(np.unique(groups[members]))
        tested = len(np.unique(groups[members & (parts == TEST)]))
        assert every - tested == min(max(1, round(share * every)), every - 1)
        if budget is None:
            assert (parts[members] != 0).all()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 100),
    share=st.floats(0.05, 0.8),
    carved=st.floats(0, 0.6),
    budget=st.none() | st.integers(1, 40),
    side=st.integers(8, 19),
    radius=st.integers(0, 2),
)
def test_no_tile_has_pixels_in_two_parts(seed, share, carved, budget, side, radius):
    scene = random_scene(seed)
    labels = scene["labels"].to_numpy()
    tiles = grid_blocks(labels.shape, side) + 1
    scene = with_tiles(scene, tiles, [f"{i}.tif" for i in range(tiles.max())])
    chosen = SplitSettings(
        name="tiles",
        train_share=share,
        samples_per_class=budget,
        validation=ValidationSettings(fraction=carved),
    )
    try:
        parts = make_split(scene, chosen, seed, radius).to_numpy()
    except SceneError:  # classes of these scenes lie in patches as large as tiles
        assume(False)
    for tile in np.unique(tiles):
        assert len(set(np.unique(parts[tiles == tile])) - {0}) <= 1
    usable = (labels != 0) & (scene["valid"].to_numpy() != 0)
    tested = np.isin(tiles, tiles[parts == TEST])
    assert (parts[tested & usable] == TEST).all()
    if budget is None:  # but for those near test pixels all others train or validate
        far = maximum_filter((parts == TEST).astype(int), 2 * radius + 1) == 0
        assert np.isin(parts[usable & ~tested & far], (TRAIN, VALIDATION)).all()


def test_tiles_are_not_polygons_where_a_scene_has_both():
    scene = random_scene(0)
    tiles, groups = grid_blocks((40, 40), 8) + 1, scene["groups"].to_numpy()
    scene = with_tiles(scene, tiles, [f"{i}.tif" for i in range(25)])
    by_tile = make_split(scene, SplitSettings(name="tiles"), 0, 0).to_numpy()
    assert any(len(set(by_tile[groups == g]) - {0}) > 1 for g in np.unique(groups[groups > 0]))
    by_polygon = make_split(scene, SplitSettings(name="polygons"), 0, 0).to_numpy()
    assert any(len(set(by_polygon[tiles == t]) - {0}) > 1 for t in np.unique(tiles))
    without = make_split(scene.drop_vars("groups"), SplitSettings(name="tiles"), 0, 0)
    np.testing.assert_array_equal(by_tile, without)


def test_tiles_need_a_scene_of_tiles_and_enough_of_them(caplog):
    scene, chosen = random_scene(0), SplitSettings(name="tiles")
    with pytest.raises(SceneError, match=r"made of several.*split\.name=spatial_blocks"):
        make_split(scene.drop_vars("tiles"), chosen, 0, 0)
    labels = scene["labels"].to_numpy()
    for number in (np.ones_like(labels), labels):  # one tile; a tile of each class
        tiled = with_tiles(scene, number, ["a.tif", "b.tif", "c.tif"])
        with pytest.raises(SceneError, match=r"too few tiles: of \d with labels"):
            make_split(tiled, chosen, 0, 0)
    tiles = scene["tiles"].to_numpy().copy()
    tiles[labels == 3] = 1
    tiles[:3] = 0
    parts = make_split(with_tiles(scene, tiles, []), chosen, 0, 0).to_numpy()
    assert not parts[:3].any()
    assert "labelled pixels lie in no tile" in caplog.text
    assert "tests no pixel of class 2: too few tiles have any" in caplog.text
    assert not ((parts == TEST) & (labels == 3)).any()


def test_polygons_need_two_of_each_class_and_labels_that_are_polygons():
    scene = random_scene(0)
    with pytest.raises(SceneError, match=r"labels are a raster.*split\.name=spatial_blocks"):
        make_split(scene.drop_vars("groups"), SplitSettings(name="polygons"), 0, 2)
    groups, labels = scene["groups"].to_numpy().copy(), scene["labels"].to_numpy()
    groups[labels == 2] = 1000
    with pytest.raises(SceneError, match=r"two polygons of each class with data, but class 1 has"):
        make_split(with_groups(scene, groups), SplitSettings(name="polygons"), 0, 2)


def test_labelled_pixels_in_no_polygon_are_in_no_part(caplog):
    scene = random_scene(0)
    groups = scene["groups"].to_numpy().copy()
    groups[:5] = 0
    parts = make_split(with_groups(scene, groups), SplitSettings(name="polygons"), 0, 2).to_numpy()
    assert not parts[:5].any()
    assert "labelled pixels lie in no polygon" in caplog.text


def test_seeds_differ():
    scene = random_scene(0)
    chosen = SplitSettings(name="per_class")
    assert (make_split(scene, chosen, 0, 2) != make_split(scene, chosen, 1, 2)).any()


@pytest.mark.parametrize("fraction", [0.05, 0.3])
def test_fraction_is_stratified(fraction):
    scene = random_scene(3)
    split = make_split(scene, SplitSettings(name="fraction", fraction=fraction), 0, 2)
    labels = np.where(scene["valid"].to_numpy() > 0, scene["labels"].to_numpy(), 0)
    for class_id in (1, 2, 3):
        of_class = split.to_numpy()[labels == class_id]
        expected = round(fraction * len(of_class))
        assert (of_class != TEST).sum() == expected


def test_the_buffer_may_be_wider_than_the_patch_but_not_narrower():
    scene = random_scene(0)
    wide = SplitSettings(name="spatial_blocks", block=16, buffer=4, train_share=0.4)
    parts = make_split(scene, wide, 0, 2).to_numpy()
    assert chebyshev_distances((parts == 1) | (parts == 2), parts == 3).min() > 4
    with pytest.raises(
        SettingsError, match="buffer of 4 px is narrower than the patch radius of 5"
    ):
        make_split(scene, wide, 0, 5)


def test_training_blocks_never_look_at_official_test_pixels():
    scene = random_scene(0)
    chosen = SplitSettings(name="training_blocks", block=10)
    split = make_split(scene, chosen, 0, 2)
    spoilt = scene.copy()
    spoilt["official_test"] = scene["official_test"] * 0
    spoilt["labels"] = scene["labels"].where(scene["official_train"] != 0, 1)
    np.testing.assert_array_equal(make_split(spoilt, chosen, 0, 2), split)
    held = [make_split(scene, chosen, seed, 2).to_numpy() == TEST for seed in range(8)]
    assert len({mask.tobytes() for mask in held}) > 4  # each seed holds out blocks of its own


def test_outside_the_test_map_all_labels_train_but_those_near_it():
    scene = random_scene(0)
    scene["official_test"][:, 12:] = 0
    parts = make_split(scene, SplitSettings(name="outside_test"), 0, 2).to_numpy()
    official = make_split(scene, SplitSettings(name="official"), 0, 2).to_numpy()
    np.testing.assert_array_equal(parts == TEST, official == TEST)
    usable = (scene["labels"].to_numpy() != 0) & (scene["valid"].to_numpy() != 0)
    far = maximum_filter((parts == TEST).astype(int), 5) == 0
    np.testing.assert_array_equal((parts == TRAIN) | (parts == VALIDATION), usable & far)
    assert ((parts == TRAIN) & (official != TRAIN)).any()


def used_and_tested(parts):
    return np.isin(parts, (TRAIN, VALIDATION)), parts == TEST


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 50), farthest=st.integers(2, 8), per_class=st.integers(2, 12))
def test_at_every_distance_the_same_pixels_test_and_as_many_of_each_class_train(
    seed, farthest, per_class
):
    scene = random_scene(seed)
    labels = scene["labels"].to_numpy()
    counts, tests, nearest = [], [], []
    for distance in sorted({0, 2, farthest}):
        chosen = SplitSettings(
            name="distance", block=8, per_class=per_class, distance=distance, farthest=farthest
        )
        used, test = used_and_tested(make_split(scene, chosen, seed, 2).to_numpy())
        away = chebyshev_distances(used, test)
        assert away.min() >= distance
        counts.append(np.bincount(labels[used], minlength=4).tolist())
        tests.append(test)
        nearest.append(np.median(away))
    assert counts[0][1:] == counts[-1][1:]
    assert max(counts[0]) <= per_class
    for test in tests:
        np.testing.assert_array_equal(test, tests[0])
    assert nearest == sorted(nearest)


def test_at_no_distance_training_pixels_lie_among_test_pixels_and_then_as_near_as_allowed():
    scene = random_scene(1)
    fields = {"name": "distance", "block": 10, "per_class": 5, "farthest": 6}
    among, apart = (
        used_and_tested(make_split(scene, SplitSettings(**fields, distance=d), 0, 2).to_numpy())
        for d in (0, 4)
    )
    assert (chebyshev_distances(*among) == 1).all()
    assert (chebyshev_distances(*apart) <= 6).all()


def test_distances_beyond_what_the_test_pixels_are_chosen_for_are_refused():
    scene = random_scene(0)
    with pytest.raises(SettingsError, match=r"split\.distance=9 is more than split\.farthest=8"):
        make_split(scene, SplitSettings(name="distance", distance=9, farthest=8), 0, 2)
    with pytest.raises(SceneError, match=r"no block can test.*set split\.farthest"):
        make_split(scene, SplitSettings(name="distance", farthest=40), 0, 2)


def test_training_blocks_that_leave_a_class_nothing_are_refused():
    scene = random_scene(0)
    with pytest.raises(SceneError, match="no fold of 500 px blocks of the official training"):
        make_split(scene, SplitSettings(name="training_blocks", block=500, buffer=40), 0, 2)


def test_a_budget_limits_training_and_leaves_the_test_alone():
    scene = random_scene(0)
    every = make_split(scene, SplitSettings(name="official"), 0, 2)
    few = make_split(scene, SplitSettings(name="official", samples_per_class=5), 0, 2)
    np.testing.assert_array_equal(every == TEST, few == TEST)
    counts = split_counts(few, scene["labels"].to_numpy())
    for class_id in (1, 2, 3):
        assert counts["train"][class_id] + counts["validation"].get(class_id, 0) <= 5


def test_a_scene_without_official_maps_names_the_other_splits():
    scene = random_scene(0).drop_vars(["official_train", "official_test"])
    with pytest.raises(SceneError, match=r"no official split.*per_class, fraction, spatial_blocks"):
        make_split(scene, SplitSettings(name="official"), 0, 2)


@pytest.mark.parametrize("name", ["auto", "per_class"])
def test_one_class_alone_is_refused(name):
    scene = random_scene(0, classes=1)
    with pytest.raises(SceneError, match=r"'random' has one class, 1 \(class 0\).* second class"):
        make_split(scene, SplitSettings(name=name), 0, 2)


def test_auto_takes_the_official_maps_where_there_are_any():
    scene = random_scene(0)
    assert make_split(scene, SplitSettings(), 0, 2).attrs["name"] == "official"
    without = scene.drop_vars(["official_train", "official_test"])
    split = make_split(without, SplitSettings(per_class=3), 0, 2)
    assert split.attrs["name"] == "per_class"
    xr.testing.assert_identical(
        split, make_split(without, SplitSettings(name="per_class", per_class=3), 0, 2)
    )


def test_without_an_official_test_map_the_other_labelled_pixels_test():
    scene = random_scene(0).drop_vars("official_test")
    split = make_split(scene, SplitSettings(), 0, 2)
    labelled = (scene["labels"].to_numpy() != 0) & (scene["valid"].to_numpy() != 0)
    assert split_totals(split)["test"] == (labelled & (scene["official_train"] == 0)).sum()


def test_pixels_in_both_official_maps_do_not_test(caplog):
    scene = random_scene(0)
    scene["official_test"] = scene["labels"]
    split = make_split(scene, SplitSettings(), 0, 2).to_numpy()
    assert not ((split == TEST) & (scene["official_train"].to_numpy() != 0)).any()
    assert "in both official maps" in caplog.text


@pytest.mark.parametrize("name", sorted(SPLITS))
def test_a_class_without_training_pixels_is_named(name):
    scene = random_scene(0)
    for key in ("labels", "official_train", "official_test"):
        scene[key] = scene[key].where(scene[key] != 2, 0)
    scene["official_test"][:, 12:] = 0
    with pytest.raises(SceneError, match=r"no training pixels of class 2 \(class 1\)") as error:
        make_split(scene, SplitSettings(name=name, block=10, farthest=4), 0, 2)
    assert "\n" not in str(error.value)


def test_labels_only_on_invalid_pixels_are_no_training_pixels():
    scene = random_scene(0)
    scene["valid"] = scene["valid"].where(scene["labels"] != 3, 0)
    with pytest.raises(SceneError, match="no training pixels of class 3"):
        make_split(scene, SplitSettings(name="per_class"), 0, 2)


def test_a_split_without_test_pixels_is_refused():
    scene = random_scene(0)
    scene["official_test"] = scene["official_test"] * 0
    with pytest.raises(SceneError, match="no test pixels"):
        make_split(scene, SplitSettings(), 0, 2)


def test_the_split_keeps_the_georeference():
    from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene

    demo = make_demo_scene(DemoSettings(size=48, bands=8))
    split = make_split(demo, SplitSettings(), 0, 5)
    assert georeference(split) == georeference(demo)


def test_a_scene_without_labels_names_the_setting():
    scene = random_scene(0).drop_vars(["official_train", "official_test"])
    with pytest.raises(SceneError, match=r"no labelled pixel with data.*`labels`"):
        make_split(scene.assign(labels=0 * scene["labels"]), SplitSettings(), 0, 2)
