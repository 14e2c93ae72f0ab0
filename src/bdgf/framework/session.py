"""A Kedro session that runs the chosen model's family of pipelines."""

from __future__ import annotations

from functools import cached_property
from inspect import signature
from typing import Any

from kedro.config import AbstractConfigLoader
from kedro.framework.session import KedroSession

from bdgf.models.registry import model_entry
from bdgf.pipeline_registry import pipeline_name


class ModelSession(KedroSession):
    """`run` takes pipelines by their plain names, whatever the model (`pipeline_registry`)."""

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Runs pipelines; arguments are those of `KedroSession.run`."""
        given = signature(super().run).bind(*args, **options).arguments
        asked = given.pop("pipeline_names", None) or [given.pop("pipeline_name", "__default__")]
        result: dict[str, Any] = super().run(pipeline_names=self._of_the_model(asked), **given)
        return result

    def _of_the_model(self, asked: list[str]) -> list[str]:
        parameters = self._get_config_loader()["parameters"]
        uses_features = model_entry(str(parameters["model"])).uses_features
        return [pipeline_name(name, uses_features) for name in asked]

    def _get_config_loader(self) -> AbstractConfigLoader:
        # One for the whole session, so that the parameters are read once.
        return self._config_loader

    @cached_property
    def _config_loader(self) -> AbstractConfigLoader:
        return super()._get_config_loader()
