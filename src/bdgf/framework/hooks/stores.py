"""Keeps MLflow's database in the project's root, wherever a command is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

_FILE = "sqlite:///"


class StoreHooks:
    """Makes relative database files in `mlflow.yml` the project's.

    kedro-mlflow does so for plain folders alone; a database it leaves to the working directory.
    """

    @hook_impl(tryfirst=True)  # before kedro-mlflow reads its configuration
    def after_context_created(self, context: KedroContext) -> None:
        """Anchors the tracking and the registry URI, for `kedro run` and `kedro mlflow ui` too."""
        loader: Any = context.config_loader
        try:
            configured: dict[str, Any] = loader["mlflow"]
        except MissingConfigException:
            return
        server = dict(configured.get("server") or {})
        for name in ("mlflow_tracking_uri", "mlflow_registry_uri"):
            if isinstance(server.get(name), str):
                server[name] = anchored(server[name], Path(context.project_path))
        loader["mlflow"] = {**configured, "server": server}


def anchored(uri: str, folder: Path) -> str:
    """The URI of an SQLite file below `folder`, where it was relative; else the same."""
    path = uri.removeprefix(_FILE)
    if path == uri or not path or path.startswith((":memory:", "file:")):
        return uri
    return f"{_FILE}{(folder / path).as_posix()}"
