"""Scenes whose labels are polygons and points, from the files to class ids and groups."""

import numpy as np
import pytest
import shapely

from bdgf.core.errors import SceneError
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene
from bdgf.scenes.scene import class_table
from tests.data.fabricate import write_raster
from tests.data.small_scene import DSM, HSI, LABELS, PLACE
from tests.data.vectors import placed, write_vectors

SIZE = LABELS.shape  # 24 rows, 20 columns
CENTRES = np.meshgrid(np.arange(SIZE[1]) + 0.5, np.arange(SIZE[0]) + 0.5)
FIELDS = [  # in pixels
    shapely.Polygon([(1.2, 1.3), (7.7, 2.1), (6.4, 8.9), (2.3, 7.2)]),
    shapely.Polygon([(9.1, 1.1), (18.6, 1.4), (14.2, 6.8)]),
    shapely.Point(11.3, 12.7).buffer(4.1).difference(shapely.Point(11.3, 12.7).buffer(1.6)),
    shapely.MultiPolygon([shapely.box(1.1, 15.2, 4.9, 18.1), shapely.box(2.2, 20.3, 8.8, 22.7)]),
]
CROPS = ["wheat", "maize", "wheat", "beet"]


def contains(shape):
    """The independent burn: which pixels' centres lie inside."""
    return shapely.contains_xy(shape, *CENTRES)


def burned_by_hand(ids):
    labels = np.zeros(SIZE, np.uint8)
    for shape, class_id in zip(FIELDS, ids, strict=True):
        labels[contains(shape)] = class_id
    return labels


def scene_of(folder, labels, place=PLACE, **more):
    for name, values in {"hsi": HSI, "dsm": DSM}.items():
        write_raster(folder / f"{name}.tif", values, **place)
    config = {
        "modalities": {
            "hsi": {"kind": "spectral", "file": "hsi.tif"},
            "dsm": {"kind": "auxiliary", "file": "dsm.tif"},
        },
        "labels": labels,
        **more,
    }
    config = {key: value for key, value in config.items() if value is not None}
    return read_scene("fields", parse_scene_config("fields", config), [folder])


def fields(folder, name="labels.gpkg", shapes=FIELDS, classes=CROPS, crs=PLACE["crs"], **more):
    write_vectors(folder / name, [placed(s, crs) for s in shapes], classes, crs, **more)
    return {"file": name}


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson"])
@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:4326", "EPSG:3035"])
def test_polygons_are_burned_by_pixel_centres_whatever_the_file_and_system(tmp_path, suffix, crs):
    scene = scene_of(tmp_path, fields(tmp_path, f"labels{suffix}", crs=crs))
    assert class_table(scene).names == ("beet", "maize", "wheat")
    np.testing.assert_array_equal(scene["labels"], burned_by_hand([3, 2, 3, 1]))
    groups = scene["groups"].to_numpy()
    assert groups.dtype == np.int32
    for number, shape in enumerate(FIELDS, 1):
        assert (groups[contains(shape)] == number).all()
    assert not groups[scene["labels"] == 0].any()


def test_points_label_the_pixel_that_holds_them(tmp_path):
    places = np.array([(0.0, 0.0), (3.9, 2.1), (19.999, 23.999), (7.5, 7.5), (-0.1, 3.0)])
    shapes = [shapely.Point(p) for p in places] + [shapely.MultiPoint([(1.5, 9.5), (2.5, 9.5)])]
    scene = scene_of(tmp_path, fields(tmp_path, "labels.geojson", shapes, [1, 2, 3, 1, 2, 3]))
    expected = np.zeros(SIZE, np.uint8)
    for (x, y), class_id in zip(places[:4], (1, 2, 3, 1), strict=True):
        expected[int(y), int(x)] = class_id
    expected[9, 1:3] = 3
    np.testing.assert_array_equal(scene["labels"], expected)
    assert scene["groups"].to_numpy()[9, 1] == scene["groups"].to_numpy()[9, 2]
    assert class_table(scene).names == ("class 1", "class 2", "class 3")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_points(tmp_path, separator):
    places = [(2.5, 3.5), (10.2, 20.9), (19.1, 0.4)]
    lines = [["id", "east", "north", "crop"]]
    for number, point in enumerate(places):
        there = placed(shapely.Point(point), "EPSG:4326")
        lines.append([str(number), f"{there.x:.9f}", f"{there.y:.9f}", ("b", "a", "b")[number]])
    (tmp_path / "points.csv").write_text("\n".join(map(separator.join, lines)))
    columns = {"x": "east", "y": "north", "class": "crop"}
    source = {"file": "points.csv", "columns": columns, "crs": "EPSG:4326"}
    labels = scene_of(tmp_path, source)["labels"].to_numpy()
    assert [labels[int(y), int(x)] for x, y in places] == [2, 1, 2]
    assert (labels > 0).sum() == 3


@pytest.mark.parametrize(
    ("written", "classes"),
    [
        (["Winter wheat", "maize", "winter-wheat", "beet"], {}),
        ([3, 2, 3, 1], {}),
        ([30, 20, 30, 10], {"values": True}),
        (["30", "20", "30", "10"], {"values": True}),
    ],
)
def test_names_and_numbers_of_configured_classes(tmp_path, written, classes):
    listed = [{"id": i, "name": n} for i, n in enumerate(("beet", "maize", "winter wheat"), 1)]
    if classes:
        listed = [{**one, "values": 10 * one["id"]} for one in listed]
    scene = scene_of(tmp_path, fields(tmp_path, classes=written), classes=listed)
    np.testing.assert_array_equal(scene["labels"], burned_by_hand([3, 2, 3, 1]))


def test_unlabelled_and_missing_classes_are_left_out(tmp_path, caplog):
    source = fields(tmp_path, classes=["wheat", "none", None, "beet"])
    scene = scene_of(tmp_path, source, unlabelled=[0, "none"])
    np.testing.assert_array_equal(scene["labels"], burned_by_hand([2, 0, 0, 1]))
    assert "1 polygons or points have no class" in caplog.text


def test_unknown_values_are_listed(tmp_path):
    listed = [{"id": 1, "name": "wheat"}, {"id": 2, "name": "rye"}]
    with pytest.raises(SceneError, match=r"'beet' \(1\), 'maize' \(1\), which match no class.*rye"):
        scene_of(tmp_path, fields(tmp_path), classes=listed)


def test_overlaps_of_one_class_are_one_group_and_of_others_are_counted(tmp_path):
    shapes = [*FIELDS, shapely.box(4.2, 3.2, 10.3, 11.4)]
    scene = scene_of(tmp_path, fields(tmp_path, shapes=shapes, classes=[*CROPS, "wheat"]))
    groups = scene["groups"].to_numpy()
    together = contains(shapes[0]) | contains(shapes[4]) | contains(shapes[2])
    assert (contains(shapes[2]) & contains(shapes[4])).any()  # so all three are one
    assert len(np.unique(groups[together])) == 1
    shared = (contains(shapes[0]) | contains(shapes[2])) & contains(shapes[4])
    fields(tmp_path, "other.gpkg", shapes, [*CROPS, "oats"])
    words = rf"{shared.sum()} pixels lie in .*different classes \(oats and wheat {shared.sum()}\)"
    with pytest.raises(SceneError, match=words):
        scene_of(tmp_path, {"file": "other.gpkg"})


def test_neighbours_share_no_pixel_where_their_edge_crosses_centres(tmp_path):
    shapes = [shapely.box(1.5, 1.5, 6.5, 6.5), shapely.box(6.5, 1.5, 9.5, 6.5)]
    scene = scene_of(tmp_path, fields(tmp_path, shapes=shapes, classes=["a", "b"]))
    assert [(scene["labels"] == i).sum().item() for i in (1, 2)] == [25, 15]


def test_official_polygons_and_a_mask(tmp_path):
    source = fields(tmp_path)
    fields(
        tmp_path, "train.gpkg", FIELDS[:1] + FIELDS[1:2] + FIELDS[3:], ["wheat", "maize", "beet"]
    )
    fields(tmp_path, "test.gpkg", [shapely.box(0, 9.3, 20, 14.8)], None)
    scene = scene_of(
        tmp_path,
        source,
        official_train={"file": "train.gpkg", "class_field": "crop"},
        official_test={"file": "test.gpkg", "form": "mask"},
    )
    labels = burned_by_hand([3, 2, 3, 1])
    inside = np.zeros(SIZE, bool)
    inside[9:15] = True
    np.testing.assert_array_equal(scene["official_test"], np.where(inside, labels, 0))
    np.testing.assert_array_equal(scene["official_train"], burned_by_hand([3, 2, 0, 1]))
    assert len(np.unique(scene["groups"])) == 1 + len(FIELDS)  # a mask makes none


def test_official_polygons_alone_are_the_labels(tmp_path):
    train = fields(tmp_path, "train.gpkg", FIELDS[:2], ["wheat", "maize"])
    test = fields(tmp_path, "test.gpkg", FIELDS[2:], ["wheat", "maize"])
    scene = scene_of(tmp_path, None, official_train=train, official_test=test)
    np.testing.assert_array_equal(scene["labels"], burned_by_hand([2, 1, 2, 1]))
    assert sorted(np.unique(scene["groups"])) == [0, 1, 2, 3, 4]


def test_shapes_outside_are_counted_and_none_inside_is_refused(tmp_path, caplog):
    away = shapely.box(50, 50, 60, 60)
    source = fields(tmp_path, shapes=[*FIELDS, away], classes=[*CROPS, "beet"])
    scene_of(tmp_path, source)
    assert "1 of 5 polygons or points lie outside the scene" in caplog.text
    fields(tmp_path, "away.gpkg", [away], ["beet"])
    with pytest.raises(SceneError, match=r"none of its 1 polygons.*EPSG:32632.*`crs:`"):
        scene_of(tmp_path, {"file": "away.gpkg"})


def test_small_crossed_and_empty_shapes_are_said(tmp_path, caplog):
    bowtie = shapely.Polygon([(10, 15), (16, 21), (16, 15), (10, 21)])
    shapes = [FIELDS[0], shapely.box(10.1, 10.1, 10.3, 10.3), bowtie]
    write_vectors(
        tmp_path / "a.geojson", [*(placed(s) for s in shapes), None], ["a", "b", "c", "d"]
    )
    scene_of(tmp_path, {"file": "a.geojson"})
    assert "1 polygons hold no pixel's centre" in caplog.text
    assert "1 polygons cross themselves" in caplog.text
    assert "1 features have no shape" in caplog.text


def test_lines_are_refused(tmp_path):
    source = fields(tmp_path, shapes=[shapely.LineString([(1, 1), (9, 9)])], classes=["road"])
    with pytest.raises(SceneError, match=r"holds 1 LineString, but labels are polygons or points"):
        scene_of(tmp_path, source)


@pytest.mark.parametrize("missing", ["crs", "transform"])
def test_a_scene_without_a_place_is_refused(tmp_path, missing):
    place = {key: value for key, value in PLACE.items() if key != missing}
    with pytest.raises(
        SceneError, match=r"labels\.gpkg needs a scene with a georeference.*have no"
    ):
        scene_of(tmp_path, fields(tmp_path), place)


def test_a_system_of_the_scenes_file_overrules_and_a_wrong_one_is_refused(tmp_path, caplog):
    source = fields(tmp_path)
    path = tmp_path / "plain.geojson"  # without its system GeoJSON is in degrees
    write_vectors(path, [placed(s) for s in FIELDS], CROPS, None)
    scene = scene_of(tmp_path, {"file": "plain.geojson", "crs": "EPSG:32632"})
    np.testing.assert_array_equal(scene["labels"], burned_by_hand([3, 2, 3, 1]))
    assert "`crs: EPSG:32632` counts" in caplog.text
    with pytest.raises(
        SceneError, match=r"'EPSG:999999' is not a known coordinate reference system"
    ):
        scene_of(tmp_path, {**source, "crs": "EPSG:999999"})


def test_a_scene_of_rasters_has_no_groups(tmp_path):
    write_raster(tmp_path / "labels.tif", LABELS, **PLACE)
    assert "groups" not in scene_of(tmp_path, {"file": "labels.tif"})
