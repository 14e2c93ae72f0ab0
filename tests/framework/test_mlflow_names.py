"""Names of runs and metrics in MLflow."""

from mlflow.utils.validation import _validate_metric_name

from bdgf.framework.mlflow_names import (
    accuracies,
    description,
    flatten,
    logged_metrics,
    run_name,
    taken,
)
from tests.framework.hooks.small_metrics import METRICS


def test_the_headline_is_short_and_what_measures_nothing_is_left_out() -> None:
    assert logged_metrics({**METRICS, "patch": 11, "f1": 0.75, "parameters": 1000}) == {
        "oa": 0.9,
        "aa": 0.8,
        "kappa": 0.85,
        "ece": 0.05,
        "class/trees _old_/f1": 0.7,
        "other/f1": 0.75,
        "other/leakage": 0.1,
    }


def test_a_measure_that_is_not_known_is_no_metric() -> None:
    assert "other/leakage" not in logged_metrics({**METRICS, "leakage": None})


def test_a_balance_is_a_group_of_its_own() -> None:
    record = {"scene": "demo", "seed": 0, "steps": 9, "feature_balance_index": 0.5}
    assert logged_metrics(record) == {"balance/feature_balance_index": 0.5}


def test_mlflow_takes_the_name_of_any_class() -> None:
    measured = {"per_class": {"a/b, (c) 100 % é": {"f1": 1.0}}}
    (name,) = logged_metrics(measured)
    _validate_metric_name(name)
    assert name.count("/") == 2  # a group, a class, a measure
    _validate_metric_name(taken("<x>"))


def test_a_name_has_scene_accuracies_and_model_first() -> None:
    assert run_name("demo", "svm") == "demo svm"
    changed = {f"train.p{number}": number for number in range(5)}
    named = run_name("demo", "bdgf", scores=METRICS, pipeline="train", seed=3, changed=changed)
    assert named == ("demo 90.0/80.0 bdgf train seed 3 train.p0=0 train.p1=1 train.p2=2 and 2 more")
    assert run_name("demo", "svm", env="paper") == "demo svm (paper)"
    assert accuracies(METRICS) == "90.0/80.0"


def test_the_description_shows_the_map_where_there_is_one() -> None:
    measured = {"per_class": {"trees": {"f1": 0.5, "support": 7}}}
    text = description(measured, "All in all", "map.png")
    assert text.startswith("All in all\n\n![Class map](map.png)\n\n| class |")
    assert "| trees | 0.500 | 7 |" in text
    assert description({}, "All in all", None) == "All in all"


def test_nested_parameters_become_dotted() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": [2]}) == {"a.b.c": 1, "d": [2]}
