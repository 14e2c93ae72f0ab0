"""Renamed parameters: the old name works for one release, with a warning."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

log = logging.getLogger(__name__)

UNTIL = "0.2"
"""The release from which on the old names are unknown."""

NAMES = {
    "balance.probe.inverse_penalty": "balance.probe.c",
    "features.source": "features.external",
    "inference.decision": "inference.fusion",
    "inference.symmetries": "inference.dihedral",
    "pretrain.passes": "pretrain.epochs_equivalent",
    "split.budget": "split.samples_per_class",
    "train.augmentation.mixing": "train.augmentation.mixup_alpha",
    "train.augmentation.symmetries": "train.augmentation.dihedral",
    "train.classifier.decision": "train.classifier.fusion",
    # The parts before the whole.
    "train.classifier.statistics.linear.inverse_penalties": "train.classifier.classical.linear.c",
    "train.classifier.statistics": "train.classifier.classical",
    # These after it: it may hold them.
    "train.classifier.classical.block": "train.decision.held_out.block",
    "train.classifier.classical.folds": "train.decision.held_out.folds",
    "train.classifier.classical.pixels": "train.decision.held_out.pixels",
    "train.classifier.classical.repeats": "train.decision.held_out.repeats",
    "train.mutual_learning.teaching": "train.mutual_learning.consistency",
}
"""Old dotted name -> new dotted name, of a parameter or of a group of them."""

VALUES = {
    "inference.fusion": {"branch:statistics": "branch:classical"},
    "pretrain.masking.signal": {"feature_change": "modality_sensitivity"},
    "train.classifier.fusion": {"branch:statistics": "branch:classical"},
}
"""Dotted name -> old value -> new value."""

_told: set[str] = set()


def with_new_names(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters under their current names; values given under an old name win.

    Args:
        parameters: Nested parameters.

    Returns:
        The same, renamed where needed; each old name is warned of once a process.
    """
    renamed = _copied(parameters)
    for old, new in NAMES.items():
        group, name = _place(renamed, old)
        if group is not None and name in group:
            _tell(old, new)
            _put(renamed, new, group.pop(name))
            _drop_empty(renamed, old)
    for new, values in VALUES.items():
        group, name = _place(renamed, new)
        value = group.get(name) if group is not None else None
        if group is not None and isinstance(value, str) and value in values:
            _tell(f"{new}={value}", f"{new}={values[value]}")
            group[name] = values[value]
    return renamed


def _copied(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copied(v) if isinstance(v, Mapping) else v for k, v in tree.items()}


def _tell(old: str, new: str) -> None:
    if old not in _told:
        _told.add(old)
        log.warning(
            "'%s' is called '%s' now; the old name will be removed in release %s", old, new, UNTIL
        )


def _place(tree: dict[str, Any], path: str) -> tuple[dict[str, Any] | None, str]:
    # The group that holds a dotted name, None where there is none, and the name's last part.
    *above, name = path.split(".")
    group: Any = tree
    for part in above:
        group = group.get(part) if isinstance(group, dict) else None
    return (group if isinstance(group, dict) else None), name


def _put(tree: dict[str, Any], path: str, value: Any) -> None:
    *above, name = path.split(".")
    group = tree
    for part in above:
        group = group.setdefault(part, {})
    present = group.get(name)
    both = isinstance(present, dict) and isinstance(value, dict)
    group[name] = OmegaConf.to_container(OmegaConf.merge(present, value)) if both else value


def _drop_empty(tree: dict[str, Any], path: str) -> None:
    # Groups of old names alone: nothing may be left of them.
    while "." in path:
        path = path.rpartition(".")[0]
        group, name = _place(tree, path)
        if group is None or group.get(name) != {}:
            return
        del group[name]
