"""Parameters: `conf/base` mirrors the settings models, and bad values are told in one line."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bdgf.core.errors import SettingsError
from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.framework.validation import MODELS, check_parameters
from bdgf.models.registry import MODELS as TRAINABLE
from bdgf.settings import CONFIG_LOADER_ARGS
from tests.messages import telling

CONF = Path(__file__).resolve().parents[2] / "conf"


@cache
def parameters(env: str) -> dict[str, Any]:
    return SceneConfigLoader(str(CONF), env=env, **CONFIG_LOADER_ARGS)["parameters"]  # type: ignore[arg-type]


def model_of(group: str) -> type[BaseModel]:
    module, name = MODELS[group].split(":")
    model: type[BaseModel] = getattr(import_module(module), name)
    return model


def missing(values: Any, model: BaseModel, place: str) -> list[str]:
    found = []
    for name in type(model).model_fields:
        if name not in values:
            found.append(f"{place}.{name}")
        elif isinstance(getattr(model, name), BaseModel):
            found += missing(values[name], getattr(model, name), f"{place}.{name}")
    return found


@pytest.mark.parametrize("group", MODELS)
def test_every_setting_stands_in_conf_base(group: str) -> None:
    values = parameters("local")[group]
    assert missing(values, model_of(group).model_validate(values), group) == []


def test_every_baseline_stands_in_conf_base() -> None:
    values = parameters("local")["baselines"]
    own = {name: entry.model().settings for name, entry in TRAINABLE.items()}
    assert set(values) == {name for name, settings in own.items() if settings}
    for name in values:
        assert missing(values[name], own[name].model_validate(values[name]), name) == []


@pytest.mark.parametrize("env", ["local", "paper", "test"])
def test_every_environment_is_valid(env: str) -> None:
    check_parameters(parameters(env))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"train": {"epochs": "many"}}, ("'train.epochs'", "'many'", "integer")),
        ({"train": {"epochs": 0}}, ("'train.epochs'", "0", "greater", " 1")),
        ({"train": {"speed": 1}}, ("'train.speed'",)),
        ({"split": {"name": "random"}}, ("'split.name'", "'random'")),
        (
            {"baselines": {"random_forest": {"trees": "few"}}},
            ("'baselines.random_forest.trees'", "'few'"),
        ),
        ({"ingest": {"folders": "data"}}, ("'ingest.folders'", "'data'")),
        ({"seed": -1}, ("'seed'", "-1")),
        ({"seed": "one"}, ("'seed'", "'one'")),
    ],
)
def test_a_bad_value_names_parameter_and_value(
    changed: dict[str, Any], told: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError, match=telling(*told)):
        check_parameters(changed)
