"""Old names of parameters, for one release."""

import logging
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from bdgf.framework import renamed
from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.framework.renamed import NAMES, VALUES, with_new_names
from bdgf.framework.validation import GROUPS, settings_of


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed, "_told", set())


def nested(path: str, value: Any) -> dict[str, Any]:
    tree = OmegaConf.create({})
    OmegaConf.update(tree, path, value)
    return OmegaConf.to_container(tree)  # type: ignore[return-value]


@pytest.mark.parametrize(("old", "new"), NAMES.items())
def test_an_old_name_answers_and_names_the_new_one_once(
    old: str, new: str, caplog: pytest.LogCaptureFixture
) -> None:
    value = {"use": False} if old.endswith("statistics") else 3
    with caplog.at_level(logging.WARNING):
        assert with_new_names(nested(old, value)) == nested(new, value)
        with_new_names(nested(old, value))
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert f"'{old}'" in told[0]
    assert f"'{new}'" in told[0]


@pytest.mark.parametrize("new", [*NAMES.values(), *VALUES])
def test_every_new_name_is_a_setting(new: str) -> None:
    group, *path = new.split(".")
    assert group in GROUPS
    model: Any = settings_of(group)
    for part in path:
        field = model.model_fields[part]
        model = field.annotation


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [(name, old, new) for name, values in VALUES.items() for old, new in values.items()],
)
def test_an_old_value_answers_too(name: str, old: str, new: str) -> None:
    assert with_new_names(nested(name, old)) == nested(name, new)


def test_what_stands_under_an_old_name_wins_over_the_default_and_leaves_the_rest() -> None:
    merged = {
        "train": {
            "classifier": {
                "classical": {
                    "use": True,
                    "components": 30,
                    "linear": {"c": [0.1]},
                },
                "statistics": {"use": False, "linear": {"inverse_penalties": [1.0, 2.0]}},
                "fusion": "confidence",
                "decision": "branch:statistics",
            }
        }
    }
    found = with_new_names(merged)["train"]["classifier"]
    assert found == {
        "classical": {
            "use": False,
            "components": 30,
            "linear": {"c": [1.0, 2.0]},
        },
        "fusion": "branch:classical",
    }


def test_present_names_are_left_alone_and_nothing_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    given = {"split": {"samples_per_class": 5}, "features": {"external": None}, "other": [1]}
    assert with_new_names(given) == given
    assert not caplog.records


def test_what_is_given_is_not_changed() -> None:
    given = {"split": {"budget": 5}}
    with_new_names(given)
    assert given == {"split": {"budget": 5}}


def test_what_is_typed_wins_over_an_old_name_in_a_file_whichever_name_is_typed(
    tmp_path: Path,
) -> None:
    files = {
        "base/parameters.yml": "dataset: one\nsplit: {samples_per_class: null, block: 24}\n",
        "base/parameters_scenes/one.yml": "one: {title: One}\n",
        "local/parameters_split.yml": "split: {budget: 5}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def loaded(**typed: Any) -> dict[str, Any]:
        loader = SceneConfigLoader(
            str(tmp_path),
            env="local",
            base_env="base",
            default_run_env="local",
            runtime_params=typed,
            config_patterns={"parameters": ["parameters*.yml"]},
            merge_strategy={"parameters": "soft"},
        )
        parameters: dict[str, Any] = loader["parameters"]["split"]
        return parameters

    assert loaded() == {"samples_per_class": 5, "block": 24}
    assert loaded(split={"samples_per_class": 9}) == {"samples_per_class": 9, "block": 24}
    assert loaded(split={"budget": 9}) == {"samples_per_class": 9, "block": 24}
