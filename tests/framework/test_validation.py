"""Parameters: `conf/base` mirrors the settings models, and bad values are told in one line."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from bdgf.core.errors import SettingsError
from bdgf.framework.config_loader import SceneConfigLoader, refuse_unknown
from bdgf.framework.mlflow_names import flatten
from bdgf.framework.run_settings import RunSettings
from bdgf.framework.validation import GROUPS, check_parameters, settings_of, settings_of_models
from bdgf.models.registry import MODELS
from bdgf.settings import CONFIG_LOADER_ARGS
from tests.messages import telling

CONF = Path(__file__).resolve().parents[2] / "conf"


@cache
def parameters(env: str) -> dict[str, Any]:
    return SceneConfigLoader(str(CONF), env=env, **CONFIG_LOADER_ARGS)["parameters"]  # type: ignore[arg-type]


def in_file(env: str) -> dict[str, Any]:
    """What the files of one environment say by themselves."""
    files = sorted((CONF / env).glob("parameters*.yml"))
    return OmegaConf.to_container(OmegaConf.merge(*map(OmegaConf.load, files)))  # type: ignore[return-value]


@pytest.mark.parametrize("group", sorted({*GROUPS} - {"ingest"}))  # where files lie is no default
def test_conf_base_gives_each_setting_its_default(group: str) -> None:
    model, values = settings_of(group), parameters("local")[group]
    assert model.model_validate(values) == model()
    assert flatten(values).keys() == flatten(model().model_dump(by_alias=True)).keys()


def test_conf_base_gives_each_baseline_its_defaults() -> None:
    values, models = parameters("local")["baselines"], settings_of_models(MODELS)
    assert set(values) == set(models)
    for name, model in models.items():
        assert model.model_validate(values[name]) == model()
        assert set(values[name]) == set(model.model_fields)


def test_a_run_is_about_the_defaults_of_the_class() -> None:
    configured = {name: parameters("local")[name] for name in RunSettings.model_fields}
    assert RunSettings.model_validate(configured) == RunSettings()


@pytest.mark.parametrize("env", ["paper", "test"])
def test_other_environments_override_only_what_there_is(env: str) -> None:
    refuse_unknown(in_file(env), in_file("base"))


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
        ({"working_folder": None}, ("'working_folder'", "None")),
    ],
)
def test_a_bad_value_names_parameter_and_value(
    changed: dict[str, Any], told: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError, match=telling(*told)):
        check_parameters(changed)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"pretrain": {"tile": 9}}, "parameters 'pretrain': tile must be a multiple of 4,"),
        (
            {"pretrain": {"timesteps": {"focus_range": [9, 2]}}},
            "parameters 'pretrain.timesteps': focus_range must be two rising steps",
        ),
        (
            {"train": {"classifier": {"patch": 4}}},
            "parameter 'train.classifier.patch' is 4: a patch",
        ),
    ],
)
def test_values_that_do_not_fit_each_other_are_told_without_the_rest_of_their_group(
    changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(told)}") as raised:
        check_parameters(changed)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("name", ["../../x", "a/b", "..", ""])
def test_a_scenes_name_cannot_lead_out_of_the_data_folder(name: str) -> None:
    with pytest.raises(SettingsError, match="parameter 'dataset' is"):
        check_parameters({"dataset": name})


@pytest.mark.parametrize("model", MODELS)
def test_prediction_sets_are_refused_before_a_training_that_could_not_give_them(model: str) -> None:
    asked = {"model": model, "inference": {"sets": {"coverage": 0.9}}}
    if model in ("bdgf", "bdgf_unguided"):
        check_parameters(asked)
        return
    with pytest.raises(SettingsError, match=telling("bdgf, bdgf_unguided", f"'{model}' is not")):
        check_parameters(asked)


@pytest.mark.parametrize(
    "more",
    [
        {"train": {"classifier": {"fusion": "mean"}}},
        {"inference": {"sets": {"coverage": 0.9}, "fusion": "mean"}},
    ],
)
def test_prediction_sets_are_refused_with_another_fusion_rule(more: dict[str, Any]) -> None:
    asked = {"model": "bdgf", "inference": {"sets": {"coverage": 0.9}}, **more}
    with pytest.raises(SettingsError, match=telling("inference.sets.coverage", "mean")):
        check_parameters(asked)
