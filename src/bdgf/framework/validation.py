"""Checks every parameter group against its settings model, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from bdgf.core.errors import SettingsError
from bdgf.core.settings import Settings
from bdgf.framework.run_settings import RunSettings
from bdgf.models.registry import MODELS, model_entry

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

_DECISION = "train.decision"
"""The group of a model that is judged on held-out blocks."""
_STACKED = "stacked"
"""The fusion rule that held-out blocks decide."""


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
        SettingsError: Naming the parameter, its value and what it may be; or prediction sets are
            asked of a model that keeps no held-out evidence.
    """
    for name, values in parameters.items():
        if name in RunSettings.model_fields:
            checked(RunSettings.model_validate, {name: values})
        elif name == "baselines":
            for model, entry in settings_of_models(values).items():
                checked(entry.model_validate, values[model], f"{name}.{model}")
        elif name in GROUPS:
            checked(settings_of(name).model_validate, values, name)
    _check_sets(parameters)


def _check_sets(parameters: Mapping[str, Any]) -> None:
    # Before a training: else it would be refused only when its map is drawn.
    sets, model = (parameters.get("inference") or {}).get("sets") or {}, parameters.get("model")
    if sets.get("coverage") is None or model is None:
        return
    if not model_entry(model).looks_at(_DECISION):
        able = ", ".join(name for name, entry in MODELS.items() if entry.looks_at(_DECISION))
        raise SettingsError(
            f"inference.sets.coverage needs a model that is judged on held-out blocks ({able}), "
            f"and '{model}' is not; choose one of them, or leave the coverage null"
        )
    if (parameters.get("inference") or {}).get("fast"):
        from bdgf.inference.settings import SETS_OR_FAST

        raise SettingsError(SETS_OR_FAST)
    joined = ((parameters.get("train") or {}).get("classifier") or {}).get("fusion", _STACKED)
    drawn = (parameters.get("inference") or {}).get("fusion")
    if joined != _STACKED or drawn is not None:
        raise SettingsError(
            f"inference.sets.coverage needs train.classifier.fusion={_STACKED} and "
            f"inference.fusion=null, and they are {joined} and {drawn}; set them so, or leave the "
            "coverage null"
        )


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
        told = first["msg"].removeprefix("Value error, ")
        told = f"{told[0].lower()}{told[1:]}"
        if first["type"] == "value_error" and isinstance(first["input"], Mapping):
            # Settings of a group that do not fit each other: all of it would hide what is told.
            raise SettingsError(f"parameters '{place}': {told}") from error
        raise SettingsError(f"parameter '{place}' is {first['input']!r}: {told}") from error
