"""The record of a run, for the nodes that write reports."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol, MemoryDataset
from kedro.pipeline.node import Node

from bdgf.framework.provenance import typed_command
from bdgf.framework.run_record import RUN_RECORD, RunRecord, equal_command


class RecordHooks:
    """Fills the catalog's entry `run_record` while a run goes on.

    It is one object for all nodes: a report is to tell what its own run took until then.
    """

    def __init__(self) -> None:
        self._record, self._started = RunRecord(), 0.0

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol) -> None:
        """Adds the entry, empty as yet."""
        self._record = RunRecord()
        catalog[RUN_RECORD] = MemoryDataset(self._record, copy_mode="assign")

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Notes what runs."""
        self._record.command = typed_command() or equal_command(run_params)
        self._record.project = Path(run_params.get("project_path") or ".")

    @hook_impl(trylast=True)
    def before_node_run(self) -> None:
        """Starts the clock."""
        self._started = time.perf_counter()

    @hook_impl(tryfirst=True)
    def after_node_run(self, node: Node) -> None:
        """Notes how long the node took, without reading and writing."""
        name = node.short_name.replace("_", " ")
        self._record.seconds[name] = time.perf_counter() - self._started
