"""Kedro hooks: checks before a run, its versions, MLflow's records, and its last lines."""

from bdgf.framework.hooks.artifacts import ArtifactHooks
from bdgf.framework.hooks.checks import CheckHooks
from bdgf.framework.hooks.console import ReportingHooks
from bdgf.framework.hooks.digests import DigestHooks
from bdgf.framework.hooks.entries import SceneHooks
from bdgf.framework.hooks.inputs import InputHooks
from bdgf.framework.hooks.mlflow_runs import MlflowRunHooks
from bdgf.framework.hooks.models import ModelHooks
from bdgf.framework.hooks.processes import ProcessHooks
from bdgf.framework.hooks.record import RecordHooks
from bdgf.framework.hooks.results import ResultHooks
from bdgf.framework.hooks.stores import StoreHooks
from bdgf.framework.hooks.tracking import TrackingHooks
from bdgf.framework.hooks.versions import VersionHooks

__all__ = [
    "ArtifactHooks",
    "CheckHooks",
    "DigestHooks",
    "InputHooks",
    "MlflowRunHooks",
    "ModelHooks",
    "ProcessHooks",
    "RecordHooks",
    "ReportingHooks",
    "ResultHooks",
    "SceneHooks",
    "StoreHooks",
    "TrackingHooks",
    "VersionHooks",
]
