"""The record of a run in progress: its command, its times, its inputs."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python

from bdgf import __version__
from bdgf.core.settings import Settings
from bdgf.framework.made_from import MadeFrom
from bdgf.framework.mlflow_names import flatten
from bdgf.framework.provenance import git_commit
from bdgf.framework.run_settings import RunSettings
from bdgf.framework.validation import GROUPS, settings_of, settings_of_models

if TYPE_CHECKING:
    from bdgf.evaluation.report_page.map_result import RunFacts

RUN_RECORD = "run_record"
"""Entry of the catalog that holds the record of the run, see `bdgf.framework.hooks.record`."""
_PACKAGES = ("torch", "numpy", "scikit-learn", "xarray", "rasterio", "kedro", "mlflow")
_SCENES = ("scene", "target_scene")  # described by their files, not by defaults


@dataclass
class RunRecord:
    """A record that is filled during the run; a reader gets the current state.

    Attributes:
        command: The command that does the same.
        project: The project's folder.
        seconds: Wall time of each node that has run.
        made: What the node that reads it is made from.
    """

    command: str = ""
    project: Path = field(default_factory=Path)
    seconds: dict[str, float] = field(default_factory=dict)
    made: MadeFrom = field(default_factory=MadeFrom)

    def facts(self, unused: Collection[str] = (), **more: str) -> RunFacts:
        """Facts about the run for a report.

        Args:
            unused: Parameter groups that its model does not look at.
            **more: Goes to the provenance.
        """
        from bdgf.evaluation.report_page.map_result import RunFacts

        differing = self._differing(unused)
        return RunFacts(
            [(name, _told(now), _told(default)) for name, now, default in differing],
            dict(self.seconds),
            {**self._provenance(), **more},
        )

    def _differing(self, unused: Collection[str]) -> list[tuple[str, Any, Any]]:
        left_out = {*_SCENES, *unused}
        taken = self.made.parameters
        own = {name: v for name, v in taken.items() if name.split(".")[0] not in left_out}
        known = defaults(own)
        changed = MadeFrom(parameters=own).changed(known)
        return [
            (name, now, default)
            for name, (now, default) in sorted(changed.items())
            if _is_in(known, name)  # what must be given has none
        ]

    def _provenance(self) -> dict[str, str]:
        found = {
            "made": datetime.now(UTC).isoformat(sep=" ", timespec="seconds"),
            "command": self.command or "not known",
            "bdgf": __version__,
            "commit": _commit(self.project),
            "Python": f"{platform.python_version()} on {platform.platform(terse=True)}",
            "packages": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        }
        if (run := _mlflow_run()) is not None:
            found["MLflow run"] = run
        for name, made in sorted(self.made.versions.items()):
            found[f"version of {name.replace('_', ' ')}"] = made
        return found


def equal_command(run_params: Mapping[str, Any]) -> str:
    """An equivalent command for a run that was not started by a command."""
    names = ",".join(run_params.get("pipeline_names") or ["full"])
    parts = [f"kedro run --pipeline={names.replace('__default__', 'full')}"]
    if typed := run_params.get("runtime_params"):
        parts.append("--params " + ",".join(f"{k}={v}" for k, v in flatten(typed).items()))
    parts += [f"--env {env}"] if (env := run_params.get("env")) else []
    return " ".join(parts)


def unused_groups(model: Mapping[str, Any]) -> tuple[str, ...]:
    """The parameter groups that a trained model did not look at, by its configuration."""
    without = () if "train" in model else ("train",)
    asked = (model.get("decision") or {}).get("guidance") is not None
    with_features = asked or model.get("feature_fingerprint") is not None
    return (*without, *(() if with_features else ("pretrain", "features")))


def defaults(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of the parameter groups that some parameters belong to, nested.

    Args:
        parameters: Values by the name of a group (`split`) or of one below (`train.batch_size`).
    """
    tree: dict[str, Any] = {}
    of_run = _defaults_of(RunSettings)
    for name in parameters:
        group, _, below = name.partition(".")
        if group in GROUPS:
            tree[group] = _defaults_of(settings_of(group))
        elif group == "baselines":
            models = settings_of_models([below] if below else parameters[name])
            own = {model: _defaults_of(entry) for model, entry in models.items()}
            tree.setdefault(group, {}).update(own)
        elif group in of_run:
            tree[group] = of_run[group]
    return tree


def _defaults_of(settings: type[Settings]) -> dict[str, Any]:
    found = {
        name: field.get_default(call_default_factory=True, validated_data={})
        for name, field in settings.model_fields.items()
        if not field.is_required()
    }
    plain: dict[str, Any] = to_jsonable_python(found)
    return plain


def _is_in(tree: Any, name: str) -> bool:
    for part in name.split("."):
        if not isinstance(tree, Mapping) or part not in tree:
            return False
        tree = tree[part]
    return True


def _commit(project: Path) -> str:
    found = git_commit(project)
    if found is None:
        return "not known: the project is no Git repository"
    head, changed = found
    return f"{head}, with changes" if changed else head


def _mlflow_run() -> str | None:
    if "mlflow" not in sys.modules:
        return None
    import mlflow

    run = mlflow.active_run()
    return str(run.info.run_id) if run is not None else None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
