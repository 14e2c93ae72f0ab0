"""Makes every node of a run use the versions that the run made or first read."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import AbstractVersionedDataset, CatalogProtocol, Version
from kedro.pipeline.node import Node

from bdgf.core.storage import writing
from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.framework.made_from import FILE, MadeFrom, parameter_names
from bdgf.framework.run_record import RUN_RECORD


class VersionHooks:
    """Keeps the versions of a run consistent, and records the origin of each.

    Kedro loads the newest version there is, whoever made it: without this, a run would go on with
    the artifacts of another one that runs beside it and saves first.
    """

    def __init__(self) -> None:
        self._catalog: CatalogProtocol | None = None
        self._in_memory: dict[str, MadeFrom] = {}

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol) -> None:
        """Remembers the catalog: the hooks below are told names alone."""
        self._catalog, self._in_memory = catalog, {}

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Tells the run's record what the node that reads it is made from."""
        if RUN_RECORD in node.inputs and self._catalog is not None:
            self._catalog.load(RUN_RECORD).made = self._made_by(node)

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Remembers the origin of entries that have no version."""
        for name in node.outputs:
            if self._catalog is not None and self._versioned(name) is None:
                self._in_memory[name] = self._made_by(node)

    @hook_impl
    def before_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """From now on the entry is what this run saves; what it is made from is noted beside it."""
        dataset = self._versioned(dataset_name)
        if dataset is None:
            return
        version = _reserved(Path(dataset._filepath), dataset.resolve_save_version())
        dataset._version = Version(version, version)
        if isinstance(dataset, LocalVersionedDataset):
            dataset.beside = {FILE: self._made_by(node).text()}
            dataset.sources = [file for name in node.inputs for file in self._files(name)]

    @hook_impl
    def before_dataset_loaded(self, dataset_name: str) -> None:
        """From now on the entry is what it is at its first reading."""
        dataset = self._versioned(dataset_name)
        if dataset is not None and dataset._version.load is None and dataset.exists():
            dataset._version = Version(dataset.resolve_load_version(), dataset._version.save)

    def _made_by(self, node: Node) -> MadeFrom:
        assert self._catalog is not None
        model = str(self._catalog.load("params:model"))
        names = parameter_names(node.inputs, model)
        parameters = {name: self._catalog.load(entry) for name, entry in names.items()}
        own = f"baselines.{model}"
        if own in parameters:  # of all models it holds
            parameters[own] = parameters[own].get(model)
        inputs = {name: dataset for name in node.inputs if (dataset := self._versioned(name))}
        versions = {name: dataset._version.load for name, dataset in inputs.items()}
        earlier = [
            MadeFrom.read(Path(dataset._get_load_path()).parent) for dataset in inputs.values()
        ]
        earlier += [self._in_memory[name] for name in node.inputs if name in self._in_memory]
        return MadeFrom(versions, parameters).joined(earlier)

    def _files(self, name: str) -> list[Path]:
        """The files of an entry at the version that this run works on."""
        dataset = self._versioned(name)
        if not isinstance(dataset, LocalVersionedDataset):
            return []
        return dataset.companions(Path(dataset._get_load_path()))

    def _versioned(self, name: str) -> Any:
        dataset: Any = self._catalog.get(name) if self._catalog is not None else None
        is_versioned = isinstance(dataset, AbstractVersionedDataset)
        # Kedro offers no public way to the version; a test holds this private one.
        return dataset if is_versioned and dataset._version else None


def _reserved(entry: Path, version: str) -> str:
    """`version`, or where another run has it already, one that sorts behind it.

    Its folder is made, empty: the version's files are moved there together.
    """
    with writing(entry):
        entry.mkdir(parents=True, exist_ok=True)
    chosen = version
    for number in count(2):
        try:
            (entry / chosen).mkdir()
            break
        except FileExistsError:  # two runs that began in the same millisecond
            chosen = f"{version}_{number}"  # Kedro sorts paths, and "_" is behind "/"
    return chosen
