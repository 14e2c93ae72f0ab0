"""The table of runs on MLflow's pages."""

import json
from typing import Any

from bdgf.framework.mlflow_table import COLUMNS, table_address, with_view

KIND = {"mlflow.experimentKind": "custom_model_development"}


def made(tracking: dict[str, Any]) -> dict[str, Any]:
    kwargs: dict[str, Any] = with_view(tracking)["experiment"]["create_experiment_kwargs"]
    return kwargs


def test_an_experiment_is_made_with_the_view_and_its_own_tags() -> None:
    kwargs = made({"experiment": {"create_experiment_kwargs": {"tags": KIND}}, "run": {"a": 1}})
    assert kwargs["tags"].items() > KIND.items()
    (view,) = kwargs["tags"].keys() - KIND.keys()
    assert json.loads(kwargs["tags"][view])["selectedColumns"] == list(COLUMNS)
    assert with_view({"run": {"a": 1}})["run"] == {"a": 1}


def test_scene_and_model_come_before_the_accuracies() -> None:
    assert COLUMNS[:3] == ("params.`dataset`", "params.`model`", "metrics.`oa`")


def test_the_address_names_the_view_only_where_there_is_one() -> None:
    tags = made({})["tags"]
    assert table_address("http://127.0.0.1:5000/", "7", tags) == (
        "http://127.0.0.1:5000/#/experiments/7/runs"
        "?workflowType=machine_learning&viewStateShareKey=accuracy"
    )
    assert "viewStateShareKey" not in table_address("http://server", "7", KIND)
