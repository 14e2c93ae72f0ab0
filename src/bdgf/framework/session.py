"""A Kedro session that omits the nodes that a model does not need."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from functools import cached_property
from inspect import signature
from typing import Any

from kedro.config import AbstractConfigLoader
from kedro.framework.session import KedroSession
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from bdgf.framework.config_loader import dotted
from bdgf.framework.made_from import value_at
from bdgf.framework.renamed import with_new_names
from bdgf.framework.resolution import Resolution, Versions, resolve
from bdgf.framework.run_folders import split_name
from bdgf.framework.run_options import chosen_parts, refuse_unknown_pipelines
from bdgf.framework.unlabelled import has_labels, nodes_without_labels
from bdgf.models.registry import model_entry

log = logging.getLogger(__name__)

DIFFUSION = "diffusion"
"""Tag of the nodes that make diffusion features; a model without features needs none of them."""
OF_PROBABILITIES, OF_LABELS, OF_SETS = "probabilities", "labels", "prediction_sets"
"""Tags of the nodes that keep probabilities, that need labels of the target, and that draw the
sizes of prediction sets."""
STEPS = ("ingest", "prepare", "pretrain", "features", "train", "evaluate")
"""The pipelines that make one another's inputs, in their order."""
OF_FEATURES = ("denoiser", "feature_cube")
"""What a model without features does without."""
OPTIONAL = {"scene": ("write_report",)}
"""Artifact -> nodes that do without it where it was deleted: a picture is not worth reading all
raw files again."""
_TOLD_ANYWAY = (
    *("dataset", "model", "seed", "split.name", "data_folder", "working_folder"),
    *("target", "model_version"),
)
_TOLD = 4  # parameters that differ, in one line
# Whoever chooses nodes gets these alone.
_CHOICES = (
    *("node_names", "from_nodes", "to_nodes", "from_inputs", "tags", "namespaces"),
    "only_missing_outputs",
)


class ModelSession(KedroSession):
    """Runs the requested pipelines, after the missing ones that they need.

    Pretraining and features are left out where the chosen model uses no features. The inputs are
    those that belong together, see `bdgf.framework.resolution`.
    """

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Runs pipelines; arguments are those of `KedroSession.run`.

        Raises:
            SettingsError: A pipeline, node, tag or entry is unknown, or the scene has no labels
                and they are needed.
        """
        given = signature(super().run).bind(*args, **options).arguments
        asked = given.get("pipeline_names") or [given.pop("pipeline_name", None) or "__default__"]
        together = _pipeline(asked)
        chosen = any(given.get(name) for name in _CHOICES)
        if not given.get("node_names"):
            given["node_names"] = _nodes_to_run(together, self._parameters)
        left = nodes_without_labels(
            chosen_parts(given, together),
            _pipeline(["full", "balance", "predict"]),
            self._parameters["scene"],
            str(self._parameters["dataset"]),
        )
        if left is not None:
            given["node_names"] = left
        given["pipeline_names"] = asked
        given |= self._resolved(given, chosen_parts(given, together), complete=not chosen)
        result: dict[str, Any] = super().run(**given)
        return result

    def _resolved(
        self, given: Mapping[str, Any], asked: Pipeline, complete: bool
    ) -> dict[str, Any]:
        """The arguments that choose versions, and that put before what is missing."""
        without = _absent(asked, str(self._parameters["model"]))
        found = resolve(
            asked,
            _pipeline(["full", "balance"]),
            Versions(DataCatalog.from_config(self._config_loader["catalog"]), self._project_path),
            self._typed(),
            given=self._given_versions(given),
            without=without,
            optional=OPTIONAL,
            complete=complete,
        )
        options: dict[str, Any] = {}
        versions = {**found.versions, **self._given_versions(given)}
        if versions:
            options["load_versions"] = versions
        self._tell(found, complete)
        before = found.nodes - {node.name for node in asked.nodes}
        if before:
            names = [n for n in STEPS if before & {node.name for node in _pipeline([n]).nodes}]
            asked_names = [name for name in given["pipeline_names"] if name not in names]
            options["pipeline_names"] = [*names, *asked_names]
            options["node_names"] = sorted(found.nodes)
        return options

    def _given_versions(self, given: Mapping[str, Any]) -> dict[str, str]:
        """The versions that the user chose."""
        versions: dict[str, str] = dict(given.get("load_versions") or {})
        if (version := self._parameters.get("model_version")) is not None:
            versions.setdefault("map_model", str(version))
        return versions

    def _tell(self, found: Resolution, complete: bool) -> None:
        parameters = self._parameters
        of = (
            f"scene '{parameters['dataset']}', model {parameters['model']}, seed "
            f"{parameters['seed']}, split {split_name(parameters)}"
        )
        if found.made_first and complete:
            settings = {k: v for k, v in self._typed().items() if k not in _TOLD_ANYWAY}
            typed = ", ".join(f"{name}={value}" for name, value in settings.items())
            with_ = f" with {typed}" if typed else ""
            log.info("%s: no %s%s yet; made first", of, _listed(found.made_first), with_)
        for entry in found.older:
            version, name = found.versions[entry], entry.replace("_", " ")
            log.info(
                "%s: the %s of %s, as the rest was made from it; one is newer", of, name, version
            )
        changed = found.made.changed(parameters)
        if changed:
            listed = [f"{name}={made} (now {now})" for name, (made, now) in sorted(changed.items())]
            more = f" and {len(listed) - _TOLD} more" if len(listed) > _TOLD else ""
            log.info("%s: made earlier with %s%s", of, ", ".join(listed[:_TOLD]), more)

    def _typed(self) -> dict[str, Any]:
        """The parameters given in `--params`, by dotted name, with their values."""
        typed = with_new_names(self.store.get("runtime_params") or {})
        return {name: value_at(self._parameters, name) for name in dotted(typed)}

    @property
    def _parameters(self) -> dict[str, Any]:
        return dict(self._config_loader["parameters"])

    def _get_config_loader(self) -> AbstractConfigLoader:
        # One for the whole session, so that the parameters are read once.
        return self._config_loader

    @cached_property
    def _config_loader(self) -> AbstractConfigLoader:
        return super()._get_config_loader()


def concerns_model(pipeline: Pipeline) -> bool:
    """Whether a pipeline trains, scores or draws a model; the others are the same for all."""
    return not pipeline.datasets().isdisjoint(("classifier", "map_model"))


def _pipeline(asked: list[str]) -> Pipeline:
    from kedro.framework.project import pipelines

    refuse_unknown_pipelines(asked, pipelines)
    return sum((pipelines[name] for name in asked), Pipeline([]))


def _nodes_to_run(together: Pipeline, parameters: Mapping[str, Any]) -> list[str] | None:
    # None leaves all nodes. Features are left in where what was asked for asks for them by name.
    uses_features = model_entry(str(parameters["model"])).uses_features
    left_out = set()
    if concerns_model(together) and not uses_features:
        left_out.add(DIFFUSION)
    if not (parameters.get("predict") or {}).get("probabilities"):
        left_out.add(OF_PROBABILITIES)
    if ((parameters.get("inference") or {}).get("sets") or {}).get("coverage") is None:
        left_out.add(OF_SETS)
    # The labels of its own scene taught the model: `evaluate` scores on those that did not.
    is_another = parameters.get("target") != parameters["dataset"]
    if not is_another or not has_labels(parameters.get("target_scene") or {}):
        left_out.add(OF_LABELS)
    kept = [node.name for node in together.nodes if left_out.isdisjoint(node.tags)]
    return kept if len(kept) < len(together.nodes) else None


def _absent(asked: Pipeline, model: str) -> Collection[str]:
    """The artifacts that a run does without."""
    return OF_FEATURES if concerns_model(asked) and not model_entry(model).uses_features else ()


def _listed(entries: list[str]) -> str:
    names = [entry.replace("_", " ") for entry in entries]
    return ", ".join(names[:-1]) + (" and " if names[1:] else "") + names[-1]
