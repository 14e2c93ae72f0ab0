"""A Kedro session that leaves out of a run what its model does without."""

from __future__ import annotations

from functools import cached_property
from inspect import signature
from typing import Any

from kedro.config import AbstractConfigLoader
from kedro.framework.session import KedroSession
from kedro.pipeline import Pipeline

from bdgf.framework.run_options import refuse_unknown_parts, refuse_unknown_pipelines
from bdgf.models.registry import model_entry

DIFFUSION = "diffusion"
"""Tag of the nodes that make diffusion features; a model without features needs none of them."""


class ModelSession(KedroSession):
    """`run` skips pretraining and features where the chosen model uses no features."""

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Runs pipelines; arguments are those of `KedroSession.run`.

        Raises:
            SettingsError: A pipeline, node, tag or entry is unknown.
        """
        given = signature(super().run).bind(*args, **options).arguments
        asked = given.get("pipeline_names") or [given.get("pipeline_name") or "__default__"]
        together = _pipeline(asked)
        model = str(self._get_config_loader()["parameters"]["model"])
        if not given.get("node_names") and not model_entry(model).uses_features:
            given["node_names"] = _nodes_without_features(together)
        refuse_unknown_parts(given, together)
        result: dict[str, Any] = super().run(**given)
        return result

    def _get_config_loader(self) -> AbstractConfigLoader:
        # One for the whole session, so that the parameters are read once.
        return self._config_loader

    @cached_property
    def _config_loader(self) -> AbstractConfigLoader:
        return super()._get_config_loader()


def concerns_model(pipeline: Pipeline) -> bool:
    """Whether a pipeline trains, scores or draws a model; the others are the same for all."""
    return "classifier" in pipeline.datasets()


def _pipeline(asked: list[str]) -> Pipeline:
    from kedro.framework.project import pipelines

    refuse_unknown_pipelines(asked, pipelines)
    return sum((pipelines[name] for name in asked), Pipeline([]))


def _nodes_without_features(together: Pipeline) -> list[str] | None:
    # None leaves all nodes: what was asked for asks for features by their name.
    if not concerns_model(together):
        return None
    return [node.name for node in together.nodes if DIFFUSION not in node.tags]
