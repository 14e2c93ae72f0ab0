"""Kedro's project settings: which session, loader and hooks the project uses."""

import os

# Read when MLflow is first imported, by Kedro's plugins, after this: table creation is no news.
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
# Nothing is told about a run to anybody: MLflow would send what is called and how long it takes.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.framework.context import ProjectContext
from bdgf.framework.deferred_commands import defer_commands
from bdgf.framework.hooks import (
    ArtifactHooks,
    CheckHooks,
    DigestHooks,
    InputHooks,
    MlflowRunHooks,
    ModelHooks,
    ProcessHooks,
    RecordHooks,
    ReportingHooks,
    ResultHooks,
    SceneHooks,
    StoreHooks,
    TrackingHooks,
    VersionHooks,
)
from bdgf.framework.session import ModelSession

defer_commands()

SESSION_CLASS = ModelSession
CONTEXT_CLASS = ProjectContext
CONFIG_LOADER_CLASS = SceneConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {
        # Not `parameters*/**`: the files of parameters_scenes/ are scenes, one chosen a run.
        "parameters": ["parameters*.yml"],
        "mlflow": ["mlflow.yml"],
        "bench": ["bench.yml"],
    },
    # ${environment:NAME, default}: an environment variable; Kedro reads those for credentials only.
    "custom_resolvers": {"environment": os.environ.get},
    "merge_strategy": {"parameters": "soft", "mlflow": "soft", "bench": "soft"},
}
HOOKS = (
    StoreHooks(),
    SceneHooks(),
    RecordHooks(),
    VersionHooks(),
    CheckHooks(),
    DigestHooks(),
    TrackingHooks(),
    ProcessHooks(),
    ArtifactHooks(),
    ModelHooks(),
    ResultHooks(),
    ReportingHooks(),
    InputHooks(),
    MlflowRunHooks(),  # the last is called first: the run is open when the others are
)
