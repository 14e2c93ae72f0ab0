"""Kedro's own single-file datasets, written to a temporary file and renamed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from kedro.io import AbstractDataset, DatasetError, Version

from bdgf.core.digests import check_digests
from bdgf.core.errors import artifact_errors
from bdgf.datasets.local_versioned import Content, LocalVersionedDataset

if TYPE_CHECKING:
    import pandas as pd  # noqa: F401 - named in a type
    from kedro_datasets._typing import ImagePreview, JSONPreview, TablePreview
    from matplotlib.figure import Figure


class KedroFileDataset(LocalVersionedDataset[Content]):
    """A file that a dataset of `kedro_datasets` reads and writes.

    Attributes:
        kind: The type of that dataset, as a catalog would name it.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        *,
        filepath: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Names the file.

        Args:
            filepath: Where the file is; with a version, the folder that holds the versions.
            version: The version to load and to save, as Kedro gives it.
            metadata: For plugins and hooks; not read here.
            **options: What Kedro's dataset takes besides: `load_args`, `save_args`.
        """
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self._options = options
        self.kedro_dataset(Path(filepath))  # a wrong option is told now, not at saving

    def kedro_dataset(self, path: Path) -> Any:
        """Kedro's dataset on one file, without versions."""
        settings = {"type": self.kind, "filepath": str(path), **self._options}
        return AbstractDataset.from_config(path.name, settings)

    def _read(self, path: Path) -> Content:
        with artifact_errors(str(path), self.remedy):
            check_digests(self.companions(path))
            content: Content = self.kedro_dataset(path).load()
            return content

    def _write(self, content: Content, path: Path) -> None:
        self.kedro_dataset(path).save(content)

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), **self._options}

    def _latest(self) -> Any:
        return self.kedro_dataset(Path(self._get_load_path()))


class JSONDataset(KedroFileDataset[Any]):
    """Whatever JSON can hold.

    Example:
        ```yaml
        metrics:
          type: bdgf.datasets.kedro_file.JSONDataset
          filepath: data/08_reporting/demo/metrics.json
          versioned: true
        ```
    """

    kind = "json.JSONDataset"

    def preview(self) -> JSONPreview:
        """The file's text, for Kedro-Viz."""
        return self._latest().preview()


class CSVDataset(KedroFileDataset["pd.DataFrame"]):
    """A table.

    Example:
        ```yaml
        per_class_table:
          type: bdgf.datasets.kedro_file.CSVDataset
          filepath: data/08_reporting/demo/per_class.csv
          save_args: {index: false}
          versioned: true
        ```
    """

    kind = "pandas.CSVDataset"

    def preview(self, nrows: int = 5) -> TablePreview:
        """The first rows, for Kedro-Viz."""
        return self._latest().preview(nrows)


class TextDataset(KedroFileDataset[str]):
    """A text: a report in HTML.

    Example:
        ```yaml
        report:
          type: bdgf.datasets.kedro_file.TextDataset
          filepath: data/08_reporting/demo/report.html
          versioned: true
        ```
    """

    kind = "text.TextDataset"


class FigureDataset(KedroFileDataset["Figure"]):
    """A figure of matplotlib; written only.

    Example:
        ```yaml
        class_map_figure:
          type: bdgf.datasets.kedro_file.FigureDataset
          filepath: data/08_reporting/demo/class_map.png
          versioned: true
        ```
    """

    kind = "matplotlib.MatplotlibDataset"

    def _read(self, path: Path) -> Figure:
        raise DatasetError(f"{path} is an image; a figure cannot be made of it")

    def preview(self) -> ImagePreview:
        """The image in base64, for Kedro-Viz."""
        return self._latest().preview()
