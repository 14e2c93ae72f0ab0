"""Trained baselines, in whatever single file each of them writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import Version

from bdgf.baselines.interface import FittedBaseline
from bdgf.baselines.registry import BASELINES
from bdgf.datasets.local_versioned import LocalVersionedDataset


class BaselineDataset(LocalVersionedDataset[FittedBaseline]):
    """A baseline of the registry.

    Example:
        ```yaml
        baseline:
          type: bdgf.datasets.baseline.BaselineDataset
          name: random_forest
          filepath: data/06_models/demo/random_forest.skops
          versioned: true
        ```
    """

    def __init__(
        self,
        *,
        name: str,
        filepath: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Names the baseline and its file.

        Args:
            name: The baseline's name in the registry.
            filepath: Where the file is; with a version, the folder that holds the versions.
            version: The version to load and to save, as Kedro gives it.
            metadata: For plugins and hooks; not read here.
        """
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self._name = name

    def _read(self, path: Path) -> FittedBaseline:
        return BASELINES[self._name].load(path)

    def _write(self, content: FittedBaseline, path: Path) -> None:
        content.save(path)

    def _describe(self) -> dict[str, Any]:
        return {"name": self._name, **super()._describe()}
