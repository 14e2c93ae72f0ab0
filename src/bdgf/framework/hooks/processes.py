"""The state of MLflow runs and of the processes that write to them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from kedro.framework.hooks import hook_impl

from bdgf.core.interruption import deferred, raise_if_requested
from bdgf.framework.hooks.mlflow_runs import TAGS_AT_CREATION


class ProcessHooks:
    """Links the MLflow run to its process, and ends runs of processes that no longer exist."""

    @hook_impl
    def after_context_created(self) -> None:
        """Lets a new run be tagged as it is made, so that none is ever without."""
        from bdgf.framework.processes import process_tags

        given = json.loads(os.environ.get(TAGS_AT_CREATION) or "{}")
        os.environ[TAGS_AT_CREATION] = json.dumps({**given, **process_tags()})

    @hook_impl(wrapper=True)
    def before_pipeline_run(self) -> Iterator[None]:
        """Tags a run that was made before (a bench's), and looks for those left behind.

        A signal waits until kedro-mlflow has opened the run: between its making and MLflow's
        knowing it as the active one, nobody could end it.
        """
        import mlflow

        from bdgf.framework.processes import end_runs_of_gone_processes, process_tags

        with deferred():
            yield
            run = mlflow.active_run()
            if run is not None:
                mlflow.set_tags(process_tags())
                end_runs_of_gone_processes(run.info.experiment_id)
        raise_if_requested()

    @hook_impl(wrapper=True)
    def before_node_run(self) -> Iterator[None]:
        """Stops if a library swallowed the exception of a signal.

        While kedro-mlflow logs the parameters a signal waits: a transaction that is left in the
        middle locks MLflow's database, and the run could not be ended.
        """
        raise_if_requested()
        with deferred():
            yield
        raise_if_requested()

    @hook_impl(wrapper=True)
    def after_dataset_saved(self) -> Iterator[None]:
        """A signal waits likewise while figures and files are logged."""
        with deferred():
            yield
        raise_if_requested()

    @hook_impl(wrapper=True)
    def after_pipeline_run(self) -> Iterator[None]:
        """Stops likewise: a run that was to stop is not told to have finished.

        While kedro-mlflow ends the run as FINISHED a signal waits: ended by half, it is RUNNING.
        """
        raise_if_requested()
        with deferred():
            yield
