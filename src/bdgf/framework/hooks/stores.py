"""Which MLflow a run writes to: a database in the project's root, or a tracking server."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from bdgf.core.errors import SettingsError
from bdgf.framework.mlflow_table import with_view

_FILE = "sqlite:///"
_ENVIRONMENT = "MLFLOW_TRACKING_URI"
_SERVER = re.compile(r"(https?|postgresql|mysql|mssql)(\+\w+)?://")
_HTTP = ("http://", "https://")
_SECONDS = 10.0
"""A server that has not answered by then is told as missing; MLflow would try for minutes."""


class StoreHooks:
    """Says where MLflow is, for `kedro run`, `kedro bench` and `kedro mlflow ui`.

    Relative database files in `mlflow.yml` become the project's: kedro-mlflow does so for plain
    folders alone. A server in `MLFLOW_TRACKING_URI` comes before the file, and keeps the artifacts
    itself.
    """

    @hook_impl(tryfirst=True)  # before kedro-mlflow reads its configuration
    def after_context_created(self, context: KedroContext) -> None:
        """Completes the configuration.

        Raises:
            SettingsError: The server does not answer.
        """
        loader: Any = context.config_loader
        try:
            configured: dict[str, Any] = loader["mlflow"]
        except MissingConfigException:
            return
        server = dict(configured.get("server") or {})
        for name in ("mlflow_tracking_uri", "mlflow_registry_uri"):
            if isinstance(server.get(name), str):
                server[name] = anchored(server[name], Path(context.project_path))
        # A file there was put by MLflow itself: it lets its processes know what is configured.
        if _SERVER.match(given := os.environ.get(_ENVIRONMENT, "")):
            server["mlflow_tracking_uri"] = given
        configured = {**configured, "server": server}
        configured["tracking"] = with_view(configured.get("tracking") or {})
        if str(server.get("mlflow_tracking_uri")).startswith(_HTTP):
            require_server(server["mlflow_tracking_uri"])
            configured["tracking"] = _with_artifacts_of_the_server(configured["tracking"])
        loader["mlflow"] = configured


def anchored(uri: str, folder: Path) -> str:
    """The URI of an SQLite file below `folder`, where it was relative; else the same."""
    path = uri.removeprefix(_FILE)
    if path == uri or not path or path.startswith((":memory:", "file:")):
        return uri
    return f"{_FILE}{(folder / path).as_posix()}"


def require_server(uri: str) -> None:
    """Refuses a tracking server that does not answer.

    Args:
        uri: Its address, with or without a password.

    Raises:
        SettingsError: Nobody answers there.
    """
    import requests

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=_SECONDS)  # any answer is one
    except requests.RequestException as error:
        parts = urlsplit(uri)
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        raise SettingsError(
            f"the MLflow server {shown} does not answer ({type(error).__name__}); start it, or "
            f"correct {_ENVIRONMENT} or server.mlflow_tracking_uri in conf/local/mlflow.yml"
        ) from error


def _with_artifacts_of_the_server(tracking: Mapping[str, Any]) -> dict[str, Any]:
    # A folder of this machine means nothing to it: it knows where its artifacts go.
    experiment = dict(tracking.get("experiment") or {})
    made = dict(experiment.get("create_experiment_kwargs") or {})
    if "://" not in str(made.get("artifact_location")):
        made["artifact_location"] = None
    return {**tracking, "experiment": {**experiment, "create_experiment_kwargs": made}}
