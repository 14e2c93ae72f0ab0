"""The study of powers: which pixels it scores, and its table."""

import numpy as np
import pytest
from benchmarks.accuracy_records import MEASURES
from benchmarks.powers import LOGISTIC, drawn_split, measure, summary

from bdgf.scenes.scene import OFFICIAL_TEST
from bdgf.splits.parts import TEST
from benchmarks import powers
from tests.inference.small_models import small_scene


def test_other_scenes_are_scored_on_no_official_test_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = small_scene()
    tested = drawn_split(scene, "small", 0).to_numpy() == TEST
    assert tested.any()
    assert not (tested & (scene[OFFICIAL_TEST].to_numpy() > 0)).any()
    monkeypatch.setattr(powers, "MOST_TESTED", 3)
    fewer = drawn_split(scene, "small", 0).to_numpy() == TEST
    assert fewer.sum() == 3
    assert not (fewer & ~tested).any()


@pytest.mark.parametrize("model", [LOGISTIC, "random_forest"])
def test_a_variant_is_what_the_scene_is_prepared_with(model: str) -> None:
    scene = small_scene()
    split = drawn_split(scene, "small", 0)
    never, always = (
        measure(scene, split, model, variant, 0, {}) for variant in ("power=never", "power=always")
    )
    assert (never["powers"], always["powers"] > 0) == (0, True)
    assert all(0 <= one["overall_accuracy"] <= 1 for one in (never, always))
    assert never["tested"] == int(np.sum(split.to_numpy() == TEST))


def test_the_table_has_the_means_of_the_seeds_and_of_the_scenes() -> None:
    def record(scene: str, seed: int, variant: str, share: float) -> dict[str, object]:
        run = {"scene": scene, "model": "svm", "seed": seed, "variant": variant, "tested": 1000}
        return {**run, **dict.fromkeys(MEASURES, share)}

    records = [record("a", seed, "power=never", share) for seed, share in ((0, 0.5), (1, 0.7))]
    records += [record("a", 0, "power=auto", 0.75), record("b", 0, "power=never", 0.8)]
    records += [record("b", 0, "power=auto", 0.85)]
    lines = summary(records).splitlines()
    assert lines[2] == "| a | `svm` | 60.0 / 60.0 | 75.0 / 75.0 | 2 | 1,000 |"
    assert lines[4] == "| mean of scenes | `svm` | 70.0 / 70.0 | 80.0 / 80.0 | | |"
