"""From suites to runs, on the project's own configuration."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bdgf.core.errors import SettingsError
from bdgf.experiments.suite import PlannedRun, Suite, plan_suite, read_suites, resolver, run_order
from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.settings import CONFIG_LOADER_ARGS
from tests.messages import telling

CONF = Path(__file__).resolve().parents[2] / "conf"


def loader(typed: dict[str, Any], env: str = "test") -> SceneConfigLoader:
    return SceneConfigLoader(str(CONF), env=env, runtime_params=typed, **CONFIG_LOADER_ARGS)  # type: ignore[arg-type]


resolve = resolver(lambda scene: loader({"dataset": scene})["parameters"])


CONFIGURED = loader({})["bench"]


def plan(*rows: dict[str, Any], scenes: tuple[str, ...] = ("demo",), seeds=(0, 1)):  # type: ignore[no-untyped-def]
    suite = Suite.model_validate({"title": "t", "reference": rows[0]["name"], "variants": rows})
    return plan_suite("own", suite, scenes, seeds, resolve)


PLAIN = {"name": "plain"}
MASKING = {"name": "masking", "params": {"pretrain.masking.strategy": "adaptive"}}
BRANCH = {"name": "branch", "params": {"train.classifier.branches": ["cnn"]}}


@pytest.mark.parametrize("name", CONFIGURED)
def test_every_suite_of_the_configuration_can_be_run(name: str) -> None:
    suite = read_suites(CONFIGURED, [name])[name]
    runs = plan_suite(name, suite, ["demo", "coast"], [0, 1, 2], resolve)
    assert len(runs) == 6 * len(suite.variants)
    same = {run.fingerprint for run in runs}
    assert len(same) == len(runs), "two rows of a suite are the same run"


def test_only_rows_that_change_the_pretraining_have_one_of_their_own() -> None:
    runs = {run.variant: run for run in plan(PLAIN, MASKING, BRANCH, seeds=(0,))}
    assert runs["plain"].shares == runs["branch"].shares != runs["masking"].shares
    assert len({run.fingerprint for run in runs.values()}) == 3


def test_scene_seed_and_parameters_decide_and_the_row_s_name_does_not() -> None:
    one, two = plan(PLAIN), plan({"name": "other"})
    assert [r.fingerprint for r in one] == [r.fingerprint for r in two]
    runs = plan(PLAIN, scenes=("demo", "coast"))
    assert len({run.fingerprint for run in runs}) == len({run.shares for run in runs}) == 4


def test_a_suites_own_parameters_are_those_of_variants_with_features() -> None:
    always = {"train.decision.guidance": "always"}
    rows = [
        PLAIN,
        {"name": "asked", "params": {"train.decision.guidance": "held_out"}},
        {"name": "forest", "model": "random_forest"},
    ]
    given = {"title": "t", "reference": "plain", "params": always, "variants": rows}
    runs = plan_suite("own", Suite.model_validate(given), ["demo"], [0], resolve)
    params = [run.params.get("train", {}).get("decision") for run in runs]
    assert params == [{"guidance": "always"}, {"guidance": "held_out"}, None]
    alone = plan({"name": "plain", "params": always}, seeds=(0,))
    assert runs[0].fingerprint == alone[0].fingerprint


def test_where_files_are_does_not_decide() -> None:
    moved = {"name": "moved", "params": {"working_folder": "elsewhere", "cache.keep": 1}}
    assert len({run.fingerprint for run in plan(PLAIN, moved, seeds=(0,))}) == 1


def test_what_a_run_leaves_alone_does_not_decide() -> None:
    def made(**params: Any) -> str:
        return plan({"name": "n", "params": params}, seeds=(0,))[0].fingerprint

    split, damage, sets = "split.farthest", "evaluation.damage.noise", "inference.sets.coverage"
    assert made(**{split: 9, damage: 2.0, sets: 0.9}) == made()
    apart, spoilt = {"split.name": "distance"}, {"evaluation.damage.kinds": ["noise"]}
    assert len({made(), made(**apart), made(**apart, **{split: 9})}) == 3
    assert len({made(), made(**spoilt), made(**spoilt, **{damage: 2.0})}) == 3
    steps, fast = {"distil.steps": 9}, {"inference.fast": True}
    assert made(**steps) == made(**{"predict.memory_gib": 1.0}) == made()
    assert len({made(), made(**fast), made(**fast, **steps)}) == 3


def test_what_is_the_same_run_is_run_once_and_sharing_runs_follow_one_another() -> None:
    runs = plan(PLAIN, MASKING, BRANCH) + plan({"name": "again"}, BRANCH)
    order = run_order(runs)
    assert len(order) == 6
    shares = [run.shares for run in order]
    changes = sum(a != b for a, b in pairwise(shares))
    assert changes == len(set(shares)) - 1


def test_parameters_reach_the_run_nested() -> None:
    params = {"train.epochs": 2, "train.classifier.branches": ["cnn"]}
    (run,) = plan({"name": "n", "params": params}, seeds=(7,))
    assert run.params == {
        "train": {"epochs": 2, "classifier": {"branches": ["cnn"]}},
        "dataset": "demo",
        "model": "bdgf",
        "seed": 7,
    }


@pytest.mark.parametrize(
    ("variant", "told"),
    [
        ({"params": {"train.epoch": 1}}, ("'a'", "'train.epoch'")),
        ({"params": {"train.epochs": 0}}, ("'a'", "'train.epochs'", "0")),
        ({"model": "svn"}, ("'a'", "'svn'", "'svm'")),
    ],
)
def test_a_wrong_variant_is_told_before_anything_runs(
    variant: dict[str, Any], told: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError, match=telling(*told)):
        plan({"name": "a", **variant})


def test_an_unknown_scene_is_told() -> None:
    with pytest.raises(SettingsError, match=telling("'coats'", "'coast'")):
        plan(PLAIN, scenes=("coats",))


@pytest.mark.parametrize(
    ("suite", "told"),
    [
        ({"reference": "x", "variants": [PLAIN]}, ("'own'", "reference", "'x'")),
        ({"reference": "plain", "variants": [PLAIN, PLAIN]}, ("'own'", "variants", "same name")),
        (
            {"reference": "plain", "variants": [{**PLAIN, "speed": 1}]},
            ("'own.variants.0.speed'",),
        ),
    ],
)
def test_a_suite_that_is_not_well_formed_is_told(
    suite: dict[str, Any], told: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError, match=telling(*told)):
        read_suites({"own": {"title": "t", **suite}}, ["own"])


def test_an_unknown_suite_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match=telling("'ablaton'", "'ablation'")):
        read_suites(CONFIGURED, ["ablaton"])


def test_a_model_s_runs_do_not_depend_on_what_it_does_not_use() -> None:
    def of(model: str, **params: Any) -> PlannedRun:
        return plan({"name": "n", "model": model, "params": params}, seeds=(0,))[0]

    trees, steps = {"baselines.random_forest.trees": 7}, {"pretrain.steps": 99}
    assert of("random_forest").shares is None
    assert of("random_forest", **trees).fingerprint != of("random_forest").fingerprint
    assert of("bdgf", **trees).fingerprint == of("bdgf").fingerprint
    assert of("random_forest", **steps).fingerprint == of("random_forest").fingerprint
    assert of("bdgf", **steps).fingerprint != of("bdgf").fingerprint


def test_reading_the_configuration_once_gives_what_kedro_s_loader_gives() -> None:
    typed = {"dataset": "coast", "model": "svm", "train": {"classifier": {"branches": ["cnn"]}}}
    typed |= {"features": {"timesteps": [7]}, "seed": 3}
    assert resolve(typed) == loader(typed)["parameters"]


def test_runs_have_titles() -> None:
    assert PlannedRun("s", "r", "demo", 3, {}, "f", None).title == "demo, s: r, seed 3"


def test_a_suites_name_stays_in_its_folder() -> None:
    with pytest.raises(SettingsError, match=r"a suite.s name .*choose another name"):
        read_suites({"../x": CONFIGURED["tiny"]}, ["../x"])
