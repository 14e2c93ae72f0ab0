"""Catalog entries of configuration for all scenes and models, of which a run uses one."""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol, MemoryDataset

from bdgf.framework.made_from import (
    BASELINE_SETTINGS,
    PRETRAINING_CONFIGURATIONS,
    SCENE_CONFIGURATION,
    TARGET_CONFIGURATION,
)


class SceneHooks:
    """Adds the configuration that a run uses, out of all scenes and models, to the catalog.

    These are no `params:` inputs: kedro-mlflow would log each file name, class and other model's
    setting as a parameter of the run and bury the ones that tell runs apart.
    """

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol, parameters: dict[str, Any]) -> None:
        """Adds the configurations of scene, target and further scenes, and `baseline_settings`."""
        catalog[SCENE_CONFIGURATION] = MemoryDataset(parameters["params:scene"])
        catalog[TARGET_CONFIGURATION] = MemoryDataset(parameters.get("params:target_scene") or {})
        further = parameters.get("params:pretraining_scenes") or {}
        catalog[PRETRAINING_CONFIGURATIONS] = MemoryDataset(further)
        catalog[BASELINE_SETTINGS] = MemoryDataset(parameters["params:baselines"])
