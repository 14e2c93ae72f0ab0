"""The origin of an artifact's version, in a file next to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bdgf.core.errors import ArtifactError

SCENE_CONFIGURATION, BASELINE_SETTINGS = "scene_configuration", "baseline_settings"
TARGET_CONFIGURATION = "target_configuration"
PRETRAINING_CONFIGURATIONS = "pretraining_configurations"
"""Entries that hold parameters, but of all scenes or models, see `bdgf.framework.hooks.entries`."""
FILE = "made_from.json"
# Where and how fast, not what: two runs that differ in these make the same.
_NO_MATTER = ("dataset", "model", "devices", "cache", "executor", "working_folder", "data_folder")


# Whether and when a run saves or gives up, not what it ends with.
_NO_EFFECT = tuple(
    f"{group}.{name}"
    for group in ("train", "pretrain")
    for name in ("checkpoint_seconds", "optimization.skipped_steps")
)


@dataclass(frozen=True)
class MadeFrom:
    """The origin of a version, including the origin of its inputs.

    Attributes:
        versions: The version of every artifact that it comes from.
        parameters: The value of every parameter that it comes from, by the name that a node takes
            it by: a group (`split`) or one below (`train.classifier.patch`).
    """

    versions: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)

    def joined(self, others: Iterable[MadeFrom]) -> MadeFrom:
        """This and what its inputs were made from; what is nearer wins."""
        versions: dict[str, str] = {}
        parameters: dict[str, Any] = {}
        for one in (*others, self):
            versions |= one.versions
            parameters |= one.parameters
        return MadeFrom(versions, parameters)

    def differs(self, wanted: Mapping[str, Any]) -> list[str]:
        """The dotted names of `wanted` that this was made with another value of.

        A parameter that no step on the way took does not count.
        """
        return [
            name
            for name, value in wanted.items()
            for taken, made in self.parameters.items()
            if (below := _below(name, taken)) is not None
            and name not in _NO_EFFECT
            and not _equal(made, below, value)
        ]

    def changed(self, now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Parameters that have another value by now: what this was made with, and what is now.

        Args:
            now: All parameters of today, nested.
        """
        found: dict[str, tuple[Any, Any]] = {}
        for taken, made in self.parameters.items():
            found |= _changes(taken, made, _plain(value_at(now, taken)))
        return {name: change for name, change in found.items() if name not in _NO_EFFECT}

    def text(self) -> str:
        """What the file holds: a digest of the rest too, as a changed digit is JSON as well."""
        known = {"versions": self.versions, "parameters": self.parameters}
        return json.dumps({**known, "sha256": _digest(known)}, indent=1, default=str) + "\n"

    @classmethod
    def read(cls, folder: Path) -> MadeFrom:
        """Reads the file; without one nothing is known.

        Raises:
            ArtifactError: It is damaged.
        """
        try:
            read = json.loads((folder / FILE).read_bytes())
            made = cls(dict(read["versions"]), dict(read["parameters"]))
            whole = read == {**vars(made), "sha256": _digest(vars(made))}
        except FileNotFoundError:
            return cls()
        except (ValueError, TypeError, KeyError):
            whole = False
        if not whole:
            raise ArtifactError(
                f"{folder / FILE} is damaged, so that what this version was made from is not "
                f"known; delete {folder}, and the same command makes it again"
            )
        return made


def parameter_names(inputs: Iterable[str], model: str) -> dict[str, str]:
    """The parameters among a node's inputs: the catalog's entry by the name used here."""
    names = {
        SCENE_CONFIGURATION: "scene",
        TARGET_CONFIGURATION: "target_scene",
        PRETRAINING_CONFIGURATIONS: "pretraining_scenes",
        BASELINE_SETTINGS: f"baselines.{model}",
    }
    found = {names.get(name, name.removeprefix("params:")): name for name in inputs}
    return {
        name: entry
        for name, entry in found.items()
        if (entry in names or entry.startswith("params:")) and name not in _NO_MATTER
    }


def value_at(tree: Any, name: str) -> Any:
    """The value of a dotted name in a nested mapping; None if it does not exist."""
    for part in name.split("."):
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree


def _changes(name: str, made: Any, now: Any) -> dict[str, tuple[Any, Any]]:
    if made == now:
        return {}
    if not isinstance(made, Mapping) or not isinstance(now, Mapping):
        return {name: (made, now)}
    found: dict[str, tuple[Any, Any]] = {}
    for part in made.keys() | now.keys():
        found |= _changes(f"{name}.{part}", made.get(part), now.get(part))
    return found


def _plain(value: Any) -> Any:
    # As the file would hold it: a tuple is a list there, a key a text.
    return json.loads(json.dumps(value, default=str))


def _digest(known: Mapping[str, Any]) -> str:
    # Of the values as the file holds them, in its order.
    return hashlib.sha256(json.dumps(known, default=str).encode()).hexdigest()


def _below(name: str, taken: str) -> list[str] | None:
    if name == taken:
        return []
    return name[len(taken) + 1 :].split(".") if name.startswith(f"{taken}.") else None


def _equal(made: Any, below: list[str], value: Any) -> bool:
    for part in below:
        if not isinstance(made, Mapping) or part not in made:
            return False
        made = made[part]
    return bool(made == _plain(value))
