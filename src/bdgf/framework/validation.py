"""Checks every parameter group against its settings model, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Annotated, Any

from pydantic import Field, StrictInt, TypeAdapter, ValidationError

from bdgf.core.errors import SettingsError
from bdgf.core.settings import Settings
from bdgf.models.registry import model_entry

# Group -> settings model, by name: only those that a run takes are imported.
GROUPS = {
    "cache": "bdgf.core.artifact_cache:CacheSettings",
    "ingest": "bdgf.scenes.ingest.read_scene:IngestSettings",
    "preparation": "bdgf.preprocessing.modality_transform:PreparationSettings",
    "split": "bdgf.splits.split:SplitSettings",
    "pretrain": "bdgf.diffusion.pretraining.pretrain:PretrainSettings",
    "features": "bdgf.features.extraction:FeatureSettings",
    "train": "bdgf.models.bdgf.settings:TrainSettings",
    "inference": "bdgf.inference.settings:InferenceSettings",
    "evaluation": "bdgf.evaluation.report:EvaluationSettings",
    "balance": "bdgf.evaluation.modality_balance:ModalityBalanceSettings",
    "devices": "bdgf.training.devices:DeviceSettings",
}
_SEED = TypeAdapter(Annotated[StrictInt, Field(ge=0, lt=2**32)])


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Validates the groups that have a settings model, the baselines' and the seed.

    Args:
        parameters: Parameter groups by name; those without a model are not looked at.

    Raises:
        SettingsError: Naming the parameter, its value and what it may be.
    """
    for name, values in parameters.items():
        if name == "seed":
            checked(_SEED.validate_python, values, name)
        elif name == "baselines":
            for model, entry in _with_settings(values).items():
                checked(entry.model_validate, values[model], f"{name}.{model}")
        elif name in GROUPS:
            module, model = GROUPS[name].split(":")
            checked(getattr(import_module(module), model).model_validate, values, name)


def _with_settings(names: Iterable[str]) -> dict[str, type[Settings]]:
    """The settings models of the baselines among `names`."""
    found = {name: model_entry(name).model().settings for name in names}
    return {name: settings for name, settings in found.items() if settings is not None}


def checked(validate: Callable[[Any], Any], values: Any, group: str) -> Any:
    """What `validate` makes of `values`, its complaint told as one line.

    Raises:
        SettingsError: The first value that cannot be.
    """
    try:
        return validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join([group, *(str(part) for part in first["loc"])])
        if first["type"] == "extra_forbidden":
            raise SettingsError(
                f"unknown parameter '{place}'; see the comments in conf/base for those there are"
            ) from error
        told = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise SettingsError(f"parameter '{place}' is {first['input']!r}: {told}") from error
