"""What a search turns, on the project's own settings and configuration."""

from typing import Any, Literal

import pytest
from pydantic import Field
from tools.settings.tree import top_groups

from bdgf.core.errors import SettingsError
from bdgf.core.settings import MAIN, Settings, searched
from bdgf.experiments.suite import nested
from bdgf.experiments.tuning.space import (
    Knob,
    Range,
    in_yaml,
    ranges_of,
    search_space,
    searched_parameters,
)
from bdgf.framework.validation import check_parameters
from bdgf.models.registry import MODELS
from tests.experiments.test_suite import resolve
from tests.messages import telling

PARAMETERS = resolve({"dataset": "demo"})


def ends(its: Range) -> list[Any]:
    """All choices, or the least and the greatest number."""
    kind = int if its.whole else float
    return list(its.choices) or [kind(its.low), kind(its.high)]


def test_only_main_settings_are_searched() -> None:
    main = {p.path for group in top_groups() for p in group.parameters() if p.main}
    assert searched_parameters(MODELS).keys() <= main


@pytest.mark.parametrize("name", searched_parameters(MODELS))
def test_every_end_of_every_range_is_a_setting(name: str) -> None:
    for value in ends(searched_parameters(MODELS)[name]):
        check_parameters(resolve({"dataset": "demo", **nested({name: value})}))


class Marked(Settings):
    """Fields that say their own ranges."""

    share: float = Field(0.5, ge=0.1, le=0.9, json_schema_extra=MAIN | searched())
    count: int = Field(2, ge=0, json_schema_extra=MAIN | searched(high=8, step=2))
    kind: Literal["a", "b"] = Field("a", json_schema_extra=searched())
    use: bool = Field(True, json_schema_extra=searched())
    other: float = Field(0.0, ge=0, le=1, json_schema_extra=MAIN)


def test_limits_and_values_that_a_field_states_are_not_written_again() -> None:
    assert ranges_of("g", Marked) == {
        "g.share": Range(0.1, 0.9),
        "g.count": Range(0, 8, whole=True, step=2),
        "g.kind": Range(choices=("a", "b")),
        "g.use": Range(choices=(False, True)),
    }


def test_a_model_s_space_is_what_it_looks_at() -> None:
    assert [knob.name for knob in search_space("svm", PARAMETERS)] == [
        "preparation.components",
        "inference.smoothing.sigma",
    ]
    names = {knob.name for knob in search_space("bdgf", PARAMETERS)}
    assert {"features.timesteps", "pretrain.masking.strategy", "train.epochs"} <= names
    assert not {name for name in names if name.startswith("split.")}


def test_the_configured_value_is_always_within() -> None:
    unusual = resolve(
        {"dataset": "demo", **nested({"train.epochs": 99, "features.timesteps": [3, 7]})}
    )
    knobs = {knob.name: knob for knob in search_space("bdgf", unusual)}
    assert knobs["train.epochs"].range.high == 99
    assert [3, 7] in knobs["features.timesteps"].range.choices
    for knob in knobs.values():
        distribution = knob.distribution()
        stored = knob.stored(knob.configured)
        assert distribution._contains(distribution.to_internal_repr(stored)), knob
        assert knob.value(stored) == knob.configured


def test_knobs_are_chosen_by_name_or_group_and_what_is_set_is_none() -> None:
    groups = ("train.mutual_learning", "features.levels")
    chosen = search_space("bdgf", PARAMETERS, groups, ["train.mutual_learning.entropy_weight"])
    assert [knob.name for knob in chosen] == [
        "features.levels",
        "train.mutual_learning.similarity_weight",
        "train.mutual_learning.consistency.weight",
    ]
    told = telling("--params", "svm")
    with pytest.raises(SettingsError, match=told):
        search_space("svm", PARAMETERS, ["inference"], ["inference.smoothing.sigma"])


@pytest.mark.parametrize(
    ("model", "wrong"), [("bdgf", "train.epoch"), ("bdgf", "split.name"), ("svm", "train.epochs")]
)
def test_a_knob_that_is_none_is_told_with_those_there_are(model: str, wrong: str) -> None:
    told = telling("--knobs", f"'{wrong}'", model, "inference.smoothing.sigma")
    with pytest.raises(SettingsError, match=told):
        search_space(model, PARAMETERS, [wrong])


def test_choices_are_kept_as_text_that_can_be_typed() -> None:
    knob = Knob("g.k", [1, 2], Range(choices=([1, 2], "all", {"a": "b"})))
    assert [knob.stored(choice) for choice in knob.range.choices] == ["[1, 2]", "all", "{a: b}"]
    assert knob.value("[1, 2]") == [1, 2]
    assert in_yaml(3) == "3"
    assert str(Range(1, 9, log=True)) == "1 to 9, logarithmic"
