"""The table of runs that MLflow's pages open with: scene, model and accuracies.

MLflow shows no metric before a user chooses columns. A view chooses them, which MLflow keeps as a
tag of the experiment ("Share view" on its pages); an address names the tag.
"""

from __future__ import annotations

import json
from typing import Any

from bdgf.framework.mlflow_names import HEADLINE

COLUMNS = (
    *("params.`dataset`", "params.`model`"),
    *(f"metrics.`{name}`" for name in HEADLINE.values()),
)
_VIEW = "accuracy"
_TAG = f"mlflow.sharedViewState.{_VIEW}"


def with_view(tracking: dict[str, Any]) -> dict[str, Any]:
    """The part `tracking` of `mlflow.yml`, whose experiment is made with the view.

    An experiment that is there already is left as it is.
    """
    experiment = dict(tracking.get("experiment") or {})
    made = dict(experiment.get("create_experiment_kwargs") or {})
    view = {_TAG: json.dumps({"selectedColumns": list(COLUMNS)})}
    made["tags"] = view | dict(made.get("tags") or {})
    return {**tracking, "experiment": {**experiment, "create_experiment_kwargs": made}}


def table_address(server: str, experiment: str, tags: dict[str, Any]) -> str:
    """Where a browser finds the table.

    Args:
        server: Address of MLflow's pages.
        experiment: The experiment's number.
        tags: Its tags.
    """
    view = f"&viewStateShareKey={_VIEW}" if _TAG in tags else ""
    pages = f"{server.rstrip('/')}/#/experiments/{experiment}"
    return f"{pages}/runs?workflowType=machine_learning{view}"
