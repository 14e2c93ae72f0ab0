"""The versions that a run starts from, and the artifacts that must be made first.

A run asks for some pipelines. Their inputs are taken from earlier runs, so that what belongs
together is found together: the newest classifier names its split, its prepared scene and its
feature cube. What an earlier run did not make, or made with another value of a parameter that was
typed, is made first.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kedro.io import AbstractVersionedDataset, DataCatalog
from kedro.pipeline import Pipeline

from bdgf.core.errors import ArtifactError
from bdgf.framework.made_from import MadeFrom

log = logging.getLogger(__name__)


@dataclass
class Resolution:
    """What a run starts from.

    Attributes:
        nodes: Names of all nodes to run, those that were asked for and those that come before.
        versions: The version of each artifact that is taken from an earlier run.
        made_first: Artifacts that are missing, the first one first, and are made.
        older: Artifacts of which an older version is taken, as another one was made from it.
        made: What the versions that are taken were made from.
    """

    nodes: set[str]
    versions: dict[str, str] = field(default_factory=dict)
    made_first: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    made: MadeFrom = field(default_factory=MadeFrom)


class Versions:
    """The versions of the catalog's entries on disk."""

    def __init__(self, catalog: DataCatalog, project: Path) -> None:
        """`project` is what relative paths are below."""
        self._catalog, self._project = catalog, project
        self._found: dict[str, dict[str, Path]] = {}

    def of(self, entry: str) -> dict[str, Path] | None:
        """The file of each version, the newest first; None where the entry has no versions."""
        if entry not in self._found:
            dataset = self._catalog.get(entry)
            if not isinstance(dataset, AbstractVersionedDataset) or not dataset._version:
                return None
            path = self._project / str(dataset._filepath)
            files = sorted(path.glob(f"*/{path.name}"), reverse=True)
            self._found[entry] = {file.parent.name: file for file in files}
        return self._found[entry]

    def equal(self, entry: str, one: str, other: str) -> bool:
        """Whether two versions are known to be the same, or one of them no longer exists."""
        files = self.of(entry) or {}
        if one == other or one not in files or other not in files:
            return True
        return files[one].samefile(files[other])  # equal versions are links to one file

    def made(self, entry: str, version: str) -> MadeFrom:
        """What a version was made from.

        Raises:
            ArtifactError: The file that says so is damaged.
        """
        file = (self.of(entry) or {}).get(version)
        return MadeFrom.read(file.parent) if file else MadeFrom()

    def _known(self, entry: str, version: str) -> MadeFrom | None:
        try:
            return self.made(entry, version)
        except ArtifactError as error:
            log.warning("skipped: %s", error)
            return None

    def choose(
        self, entry: str, chosen: Mapping[str, str], wanted: Mapping[str, Any]
    ) -> tuple[str, MadeFrom] | None:
        """The newest version made as `wanted`, if there is one, from what is `chosen`.

        Versions of which that cannot be told, as their file is damaged, are passed over.
        """
        newest = None
        for version in self.of(entry) or {}:
            made = self._known(entry, version)
            if made is None or made.differs(wanted):
                continue
            shared = made.versions.keys() & chosen.keys()
            if all(self.equal(name, made.versions[name], chosen[name]) for name in shared):
                return version, made
            newest = newest or (version, made)
        # One that fits nothing is still there to be refused, or not, by who uses it.
        return newest


def resolve(
    asked: Pipeline,
    whole: Pipeline,
    versions: Versions,
    wanted: Mapping[str, Any],
    *,
    given: Mapping[str, str] | None = None,
    without: Collection[str] = (),
    optional: Mapping[str, Collection[str]] | None = None,
    complete: bool = True,
) -> Resolution:
    """Chooses the versions that a run starts from and the artifacts that it must make first.

    Args:
        asked: The nodes that were asked for.
        whole: All nodes that can make something.
        versions: What there is.
        wanted: The parameters that were typed, by dotted name.
        given: Versions that the user chose.
        without: Artifacts that this run does without.
        optional: Artifact -> nodes that do without it where it is gone: for them alone it is not
            made.
        complete: Whether what is missing is made; otherwise it is left to be refused.

    Returns:
        The nodes, and the versions of their inputs.
    """
    makers = {output: node for node in whole.nodes for output in node.outputs}
    order = {output: n for n, node in enumerate(whole.nodes) for output in node.outputs}
    found = Resolution({node.name for node in asked.nodes})
    running, chosen, seen = asked, dict(given or {}), set(without)
    while open_ := [
        e for e in running.inputs() - seen if e in makers and versions.of(e) is not None
    ]:
        # The last one made first: it says what it was made from.
        entry = max(open_, key=order.__getitem__)
        seen.add(entry)
        version = chosen.get(entry)
        choice = (
            (version, versions.made(entry, version))
            if version
            else versions.choose(entry, chosen, wanted)
        )
        if choice is None:
            if _readers(running, entry) <= set((optional or {}).get(entry, ())):
                continue
            found.made_first.append(entry)
            if complete and makers[entry].name not in found.nodes:
                found.nodes.add(makers[entry].name)
                running = running + Pipeline([makers[entry]])
            continue
        chosen[entry] = choice[0]
        found.made = choice[1].joined([found.made])
        for name, made in choice[1].versions.items():
            if made in (versions.of(name) or {}):
                chosen.setdefault(name, made)
    found.made_first.sort(key=order.__getitem__)
    found.versions = {e: v for e, v in chosen.items() if e in running.inputs()}
    found.older = sorted(
        e for e in found.versions if e not in (given or {}) and _older(e, found, versions)
    )
    return found


def _readers(pipeline: Pipeline, entry: str) -> set[str]:
    return {node.name for node in pipeline.nodes if entry in node.inputs}


def _older(entry: str, found: Resolution, versions: Versions) -> bool:
    newest = next(iter(versions.of(entry) or {}), None)
    return newest is not None and not versions.equal(entry, newest, found.versions[entry])
