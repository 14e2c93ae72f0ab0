"""Pipelines that a scene without labels can run; others are rejected before the run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from kedro.pipeline import Pipeline

from bdgf.core.errors import SettingsError

log = logging.getLogger(__name__)

SPLIT = "split"
_LABELLING = ("fabricate", "labels", "official_train")  # settings of a scene, any of which labels


def has_labels(scene: Mapping[str, Any]) -> bool:
    """Whether a scene's configuration names labels."""
    return any(scene.get(setting) for setting in _LABELLING)


def nodes_without_labels(
    chosen: Pipeline, whole: Pipeline, scene: Mapping[str, Any], name: str
) -> list[str] | None:
    """The nodes that run on a scene: without labels, the split is left out.

    Args:
        chosen: What was asked for.
        whole: All nodes that can make something.
        scene: The scene's configuration.
        name: The scene's name.

    Returns:
        Names of the nodes that are left; None where nothing is left out.

    Raises:
        SettingsError: The scene has no labels, and what was asked for is nothing without them.
    """
    if has_labels(scene):
        return None
    splitting = {node.name for node in whole.only_nodes_with_outputs(SPLIT).nodes}
    needing = {node.name for node in whole.from_nodes(*splitting).nodes}
    asked = {node.name for node in chosen.nodes}
    if not asked & needing:
        return None
    left = sorted(asked - splitting)
    if asked & (needing - splitting) or not left:
        told = ", ".join(node.name for node in chosen.nodes if node.name in needing)
        raise SettingsError(
            f"scene '{name}' has no labels, which {told} cannot do without; set `labels` in "
            f"conf/*/parameters_scenes/{name}.yml (docs/how_to/scenes.md); ingest, prepare, "
            "pretrain and features run without them"
        )
    log.info("scene '%s' has no labels: there is no split", name)
    return left
