"""Checks every parameter group against its settings model, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from bdgf.core.errors import SettingsError
from bdgf.core.settings import Settings
from bdgf.framework.run_settings import RunSettings
from bdgf.models.registry import model_entry

# Group -> settings model, by name: only those that a run takes are imported.
GROUPS = {
    "ingest": "bdgf.scenes.ingest.read_scene:IngestSettings",
    "preparation": "bdgf.preprocessing.settings:PreparationSettings",
    "split": "bdgf.splits.settings:SplitSettings",
    "pretrain": "bdgf.diffusion.pretraining.settings:PretrainSettings",
    "features": "bdgf.features.extraction:FeatureSettings",
    "train": "bdgf.models.bdgf.settings:TrainSettings",
    "distil": "bdgf.inference.fast.settings:DistilSettings",
    "inference": "bdgf.inference.settings:InferenceSettings",
    "predict": "bdgf.inference.settings:MappingSettings",
    "executor": "bdgf.inference.executors:ExecutorSettings",
    "evaluation": "bdgf.evaluation.report:EvaluationSettings",
    "balance": "bdgf.evaluation.modality_balance:ModalityBalanceSettings",
    "devices": "bdgf.training.devices:DeviceSettings",
    "cache": "bdgf.core.artifact_cache:CacheSettings",
    "mlflow": "bdgf.framework.mlflow_settings:MlflowSettings",
}


def settings_of(group: str) -> type[Settings]:
    """The settings model of a parameter group of `GROUPS`."""
    module, name = GROUPS[group].split(":")
    model: type[Settings] = getattr(import_module(module), name)
    return model


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Validates the groups that have a settings model, the baselines' and what has no group.

    Args:
        parameters: Parameter groups by name; those without a model are not looked at.

    Raises:
        SettingsError: Naming the parameter, its value and what it may be.
    """
    for name, values in parameters.items():
        if name in RunSettings.model_fields:
            checked(RunSettings.model_validate, {name: values})
        elif name == "baselines":
            for model, entry in settings_of_models(values).items():
                checked(entry.model_validate, values[model], f"{name}.{model}")
        elif name in GROUPS:
            checked(settings_of(name).model_validate, values, name)


def settings_of_models(names: Iterable[str]) -> dict[str, type[Settings]]:
    """The settings models of those models among `names` that have settings of their own."""
    found = {name: model_entry(name).model().settings for name in names}
    return {name: settings for name, settings in found.items() if settings is not None}


def checked(validate: Callable[[Any], Any], values: Any, group: str = "") -> Any:
    """What `validate` makes of `values`, its complaint told as one line.

    Args:
        validate: Raises pydantic's error on what it refuses.
        values: What was configured.
        group: What the values stand under; empty for those of no group.

    Raises:
        SettingsError: The first value that cannot be.
    """
    try:
        return validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join([*filter(None, [group]), *(str(part) for part in first["loc"])])
        if first["type"] == "extra_forbidden":
            raise SettingsError(
                f"unknown parameter '{place}'; see the comments in conf/base for those there are"
            ) from error
        told = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise SettingsError(f"parameter '{place}' is {first['input']!r}: {told}") from error
