"""Runs that differ in what an artifact depends on keep it in different folders."""

import itertools
from typing import Any

import pytest

from bdgf.core.errors import SettingsError
from bdgf.framework.run_folders import KINDS, run_folder, split_name

DEPENDS_ON = {
    "scene": {"dataset", "environment"},
    "seed": {"dataset", "environment", "seed"},
    "split": {"dataset", "environment", "seed", "split"},
    "model": {"dataset", "environment", "seed", "split", "model"},
    "target": {"dataset", "environment", "seed", "split", "model", "target"},
}
CHOICES = {
    "dataset": ("demo", "coast"),
    "environment": (None, "paper"),
    "seed": (0, 10),
    "split": ("official", "blocks"),
    "model": ("bdgf", "svm"),
    "target": (None, "tuning"),
}


def folder(kind: str, choice: dict[str, Any]) -> str:
    parameters = {**choice, "split": {"name": choice["split"]}}
    return run_folder(kind, parameters, choice["environment"])


@pytest.mark.parametrize("kind", KINDS)
def test_two_runs_share_a_folder_where_all_is_equal_that_it_depends_on(kind: str) -> None:
    runs = [
        dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())
    ]
    for one, other in itertools.combinations(runs, 2):
        equal = all(one[name] == other[name] for name in DEPENDS_ON[kind])
        assert (folder(kind, one) == folder(kind, other)) == equal, (one, other)


def test_the_folders_are_these() -> None:
    run = {"dataset": "demo", "seed": 3, "split": "blocks", "model": "svm", "environment": None}
    assert folder("model", run) == "demo/svm/blocks_seed_3"
    assert folder("target", {**run, "target": "delta"}) == "delta/by/demo/svm/blocks_seed_3"
    assert folder("split", {**run, "environment": "paper"}) == "demo@paper/blocks_seed_3"


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"run_folder:mood.*known: scene, seed, split, model, target"
    ):
        run_folder(
            "mood", {"dataset": "demo", "seed": 0, "split": {"name": "x"}, "model": "y"}, None
        )


@pytest.mark.parametrize(
    ("scene", "name"),
    [
        ({"official_train": {"file": "train.tif"}}, "official"),
        ({"fabricate": {"size": 96}}, "official"),
        ({"labels": {"file": "labels.tif"}, "official_train": None}, "per_class"),
    ],
)
def test_a_split_that_is_left_to_the_scene_is_named_after_what_it_will_be(
    scene: dict[str, Any], name: str
) -> None:
    assert split_name({"split": {"name": "auto"}, "scene": scene}) == name
    assert split_name({"split": {"name": "blocks"}, "scene": scene}) == "blocks"
