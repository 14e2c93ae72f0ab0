import numpy as np
import pytest

from bdgf.evaluation.leakage import leakage
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from tests.evaluation.scene_check.planted import PATCH, demo, kinds, look, text


def relabelled(scene, class_id, keep):
    """Only those pixels of a class that `keep` has stay labelled, in every map."""
    for key in ("labels", "official_train", "official_test"):
        values = scene[key].to_numpy()
        values[(values == class_id) & ~keep] = 0
    return scene


def test_a_class_of_few_labels():
    scene = demo()
    rows, columns = np.nonzero(scene["labels"].to_numpy() == 5)
    keep = np.zeros((96, 96), bool)
    keep[rows[::60], columns[::60]] = True
    scene["official_train"].to_numpy()[rows[0], columns[0]] = 5
    relabelled(scene, 5, keep)
    scene["official_test"].to_numpy()[rows[60], columns[60]] = 5
    assert kinds(scene) == {"few_labels"}
    assert "class 5 (buildings) has 10 labelled pixels" in text(scene, "few_labels")


def test_a_class_in_one_place():
    scene = demo()
    place = np.zeros((96, 96), bool)
    place[80:90, 60:70] = True
    left = np.indices(place.shape)[1] < 65
    parts = {"labels": place, "official_train": place & left, "official_test": place & ~left}
    for key, part in parts.items():
        values = scene[key].to_numpy()
        values[place] = 0
        values[values == 1] = 0
        values[part] = 1
    assert "one_place" in kinds(scene)
    assert "class 1 (water)" in text(scene, "one_place")


def test_a_class_that_the_official_test_map_lacks():
    scene = demo()
    values = scene["official_test"].to_numpy()
    values[values == 3] = 0
    assert kinds(scene) == {"class_not_in_split"}
    assert "class 3 (trees) has no official test pixel" in text(scene, "class_not_in_split")


def test_the_split_is_the_one_that_a_run_takes():
    report = look(demo(), name="per_class").split
    split = make_split(demo(), SplitSettings(name="per_class"), 0, PATCH // 2).to_numpy()
    assert report.name == "per_class"
    assert report.leakage == leakage(split, PATCH)
    assert [int(c.sum()) for c in report.counts.values()] == [(split == p).sum() for p in (1, 2, 3)]
    assert kinds(demo(), name="per_class") == {"leakage"}


def test_a_split_that_cannot_be_is_told():
    report = look(demo().drop_vars(["official_train", "official_test"]), name="official")
    assert report.split is None
    assert [f.kind for f in report.findings] == ["no_split"]


@pytest.mark.parametrize("seed", [0, 1])
def test_counts_are_of_pixels_with_data(seed):
    scene = demo(seed)
    report = look(scene)
    labels = scene["labels"].to_numpy()[scene["valid"].to_numpy() != 0]
    assert report.counts["labels"].tolist() == [(labels == i).sum() for i in report.classes.ids]


def test_a_scene_without_labels_has_no_split_and_nothing_wrong():
    scene = demo().drop_vars(["official_train", "official_test"])
    scene["labels"][:] = 0
    report = look(scene)
    assert report.split is None
    assert not report.findings
