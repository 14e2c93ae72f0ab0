"""Trained models, in the files that each of them writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import Version

from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.models.registry import model_entry

if TYPE_CHECKING:
    from bdgf.models.base import TrainedModel


class TrainedModelDataset(LocalVersionedDataset["TrainedModel"]):
    """A trained model of the registry; the file's suffix is the model's own.

    Example:
        ```yaml
        classifier:
          type: bdgf.datasets.trained_model.TrainedModelDataset
          model: random_forest
          filepath: data/06_models/demo/random_forest/classifier # .skops
          versioned: true
        ```
    """

    def __init__(
        self,
        *,
        model: str,
        filepath: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Names the model and its file.

        Args:
            model: The model's name in the registry.
            filepath: Where the file is, without suffix; with a version, the folder that holds the
                versions.
            version: The version to load and to save, as Kedro gives it.
            metadata: For plugins and hooks; not read here.
        """
        self._entry = model_entry(model)
        super().__init__(filepath=filepath + self._entry.suffix, version=version, metadata=metadata)
        self._model = model

    def companions(self, path: Path) -> list[Path]:
        """All files of the model."""
        return self._entry.model().companions(path)

    def _read(self, path: Path) -> TrainedModel:
        return self._entry.model().load(path)

    def _write(self, content: TrainedModel, path: Path) -> None:
        content.save(path)

    def _describe(self) -> dict[str, Any]:
        return {"model": self._model, **super()._describe()}
