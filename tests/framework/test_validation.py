"""Parameters: `conf/base` mirrors the settings models, and bad values are told in one line."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bdgf.core.errors import SettingsError
from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.framework.validation import GROUPS, check_parameters
from bdgf.models.registry import MODELS
from bdgf.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).resolve().parents[2] / "conf"


def parameters(env: str) -> dict[str, Any]:
    return SceneConfigLoader(str(CONF), env=env, **CONFIG_LOADER_ARGS)["parameters"]  # type: ignore[arg-type]


def model_of(group: str) -> type[BaseModel]:
    module, name = GROUPS[group].split(":")
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


@pytest.mark.parametrize("group", GROUPS)
def test_every_setting_stands_in_conf_base(group: str) -> None:
    values = parameters("local")[group]
    assert missing(values, model_of(group).model_validate(values), group) == []


def test_every_baseline_stands_in_conf_base() -> None:
    values = parameters("local")["baselines"]
    own = {name: entry.model().settings for name, entry in MODELS.items()}
    assert set(values) == {name for name, settings in own.items() if settings}
    for name in values:
        assert missing(values[name], own[name].model_validate(values[name]), name) == []


@pytest.mark.parametrize("env", ["local", "paper", "test"])
def test_every_environment_is_valid(env: str) -> None:
    check_parameters(parameters(env))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"train": {"epochs": "many"}}, r"'train\.epochs' is 'many': .*valid integer"),
        ({"train": {"epochs": 0}}, r"'train\.epochs' is 0: .*greater than or equal to 1"),
        ({"train": {"speed": 1}}, r"unknown parameter 'train\.speed'"),
        ({"split": {"name": "random"}}, r"'split\.name' is 'random'"),
        (
            {"baselines": {"random_forest": {"trees": "few"}}},
            r"'baselines\.random_forest\.trees' is 'few'",
        ),
        ({"ingest": {"folders": "data"}}, r"'ingest\.folders' is 'data'"),
        ({"seed": -1}, r"'seed' is -1"),
        ({"seed": "one"}, r"'seed' is 'one'"),
    ],
)
def test_a_bad_value_names_parameter_and_value(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        check_parameters(changed)
