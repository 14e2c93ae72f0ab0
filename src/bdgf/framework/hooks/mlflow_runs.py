"""The MLflow run of a pipeline run: opened, given its parameters, closed or removed."""

from __future__ import annotations

import getpass
import json
import os
import sys
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from bdgf.core.interruption import requested
from bdgf.core.storage import user_error
from bdgf.framework.mlflow_names import flatten, taken
from bdgf.framework.mlflow_races import made_by_either
from bdgf.framework.session import concerns_model
from bdgf.models.registry import model_entry

KEDRO_MLFLOW = "mlflow_hook"
"""The name that kedro-mlflow registers its own hooks by."""
LONGEST_PARAMETER = 6000
"""Characters of a value that MLflow takes."""
PARENT = "mlflow.parentRunId"
TAGS_AT_CREATION = "MLFLOW_RUN_CONTEXT"
"""Where MLflow looks for tags that a run has from its first moment."""
_GIVEN_RUN = "MLFLOW_RUN_ID"
"""Where MLflow looks for the run to write to; read once, as MLflow does."""
_PLACES = ("working_folder", "cache.folder")
"""What says only where a run works: on the page that compares runs it would be a difference."""


class MlflowRunHooks:
    """Replaces kedro-mlflow's own hooks and uses its configuration.

    Those import every dataset of the catalog, repeat tags under two names, write addresses of
    objects into them, log parameters one by one, those of other models too, and leave a failed run
    behind where nothing ran.
    """

    __name__ = KEDRO_MLFLOW  # pluggy loads no plugin of a name that is registered

    def __init__(self) -> None:
        self._config: Any = None
        self._run_id: str | None = None
        self._nodes_done = 0
        self._was_there = self._is_part = self._of_a_model = False

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Sets MLflow up as `mlflow.yml` says; `context.mlflow` is how `kedro mlflow` reads it."""
        from kedro_mlflow.config.kedro_mlflow_config import KedroMlflowConfig

        _find_own_programs()
        loader: Any = context.config_loader
        self._config = KedroMlflowConfig.model_validate(loader["mlflow"])
        config = self._config
        made_by_either(lambda: config.setup(context))  # makes the experiment
        context.__setattr__("mlflow", self._config)

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Opens a run, or uses the active one or the one given in the environment."""
        import mlflow

        self._run_id, self._nodes_done = None, 0
        self._of_a_model = concerns_model(pipeline)
        if self._config is None:
            return
        tracking = self._config.tracking
        asked = run_params.get("pipeline_names") or ["__default__"]
        if set(asked) & set(tracking.disable_tracking.pipelines):
            return
        run = mlflow.active_run()
        self._was_there = run is not None
        if run is None:
            run = mlflow.start_run(run_id=self._given_run() or self._new_run("+".join(asked)))
        self._run_id, self._is_part = run.info.run_id, PARENT in run.data.tags

    def _given_run(self) -> str | None:
        return self._config.tracking.run.id or os.environ.pop(_GIVEN_RUN, None)

    def _new_run(self, name: str) -> str:
        # Made by the client, as `mlflow.start_run` would import IPython and GitPython to find tags
        # that `TrackingHooks` sets anyway.
        from mlflow import MlflowClient

        tracking = self._config.tracking
        tags = {
            "mlflow.user": _user(),
            "mlflow.source.type": "LOCAL",
            "mlflow.source.name": Path(sys.argv[0]).name,
            **json.loads(os.environ.get(TAGS_AT_CREATION) or "{}"),
        }
        made = MlflowClient().create_run(
            tracking.experiment._experiment.experiment_id,
            tags=tags,
            run_name=tracking.run.name or name,
        )
        return str(made.info.run_id)

    @hook_impl
    def before_node_run(self, node: Node, catalog: CatalogProtocol, inputs: dict[str, Any]) -> None:
        """Logs the parameters that the node and the run's model use."""
        import mlflow

        if self._run_id is None:
            return
        if mlflow.active_run() is None:  # in a thread of its own
            mlflow.start_run(run_id=self._run_id)
        given = {n.removeprefix("params:"): v for n, v in inputs.items() if n.startswith("params:")}
        values = {n: v for n, v in flatten(given).items() if n not in _PLACES}
        if self._of_a_model:
            entry = model_entry(str(catalog.load("params:model")))
            values = {name: value for name, value in values.items() if entry.looks_at(name)}
        if values:
            mlflow.log_params({taken(n): str(v)[:LONGEST_PARAMETER] for n, v in values.items()})

    @hook_impl
    def after_node_run(self) -> None:
        """Counts what was done."""
        self._nodes_done += 1

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Ends the run as FINISHED."""
        import mlflow

        if self._run_id is not None and not self._was_there:
            mlflow.end_run()

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Ends the run as FAILED; removes it if a user's error ended it before its start.

        It is KILLED where a signal came, whatever error a library has made of that. A bench's run
        is the bench's, whatever comes of it.
        """
        import mlflow

        if self._run_id is None or self._was_there:
            return
        while mlflow.active_run():
            mlflow.end_run("FAILED" if requested() is None else "KILLED")
        if self._nodes_done == 0 and not self._is_part and user_error(error) is not None:
            mlflow.MlflowClient().delete_run(self._run_id)


def _find_own_programs() -> None:
    # `kedro mlflow ui` starts a program `mlflow`: this environment's, whether it is active or not.
    own = str(Path(sys.executable).parent)
    others = [folder for folder in os.get_exec_path() if folder != own]
    os.environ["PATH"] = os.pathsep.join([own, *others])


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return str(os.getuid())
