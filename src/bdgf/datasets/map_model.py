"""Models that map any raster, one folder each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bdgf.datasets.local_versioned import LocalVersionedDataset

if TYPE_CHECKING:
    from bdgf.inference.map_model import MapModel


class MapModelDataset(LocalVersionedDataset["MapModel"]):
    """A `MapModel`: the folder of the version is the model.

    Example:
        ```yaml
        map_model:
          type: bdgf.datasets.map_model.MapModelDataset
          filepath: data/06_models/demo/bdgf/map_model.json
          versioned: true
        ```
    """

    def companions(self, path: Path) -> list[Path]:
        """All files of the model."""
        from bdgf.inference.map_model_folder import map_model_files

        return map_model_files(path)

    def _read(self, path: Path) -> MapModel:
        from bdgf.inference.map_model import load_map_model

        return load_map_model(path)

    def _write(self, content: MapModel, path: Path) -> None:
        content.save(path)
