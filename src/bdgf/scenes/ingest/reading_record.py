"""Information about files and layers collected while a scene is read, for `kedro scene check`.

A Scene holds only the result: float32 values, one mask. The stored types, the files that were
used and the gaps of each layer are known only during reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.scene import ModalityArray

_SHAPES = "polygons or points"
"""What a file of vectors holds."""


@dataclass
class ReadingRecord:
    """Filled while a scene is read; empty where it has no files.

    Attributes:
        files: The files of each modality and label map, by its name.
        dtypes: The types in which they store it, one a file.
        no_data: Share of pixels, 0..1, on which a modality has no data in some band.
        numbers: Number of each band of a modality in its files, as `exclude` counts.
    """

    files: dict[str, tuple[Path, ...]] = field(default_factory=dict)
    dtypes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    no_data: dict[str, float] = field(default_factory=dict)
    numbers: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def take_files(self, found: Mapping[str, FoundArray[Any]]) -> None:
        """Notes where arrays were found, and as what they are stored."""
        for name, array in found.items():
            tiles = (tile.path for tile in array.tiles)
            self.files[name] = tuple(dict.fromkeys((*array.paths, *tiles)))
            stored = tuple(str(raw.values.dtype) for raw in array.arrays)
            if array.vectors is not None:
                stored = (_SHAPES,)
            if array.tiles:  # they are joined to one array
                stored *= len(self.files[name])
            self.dtypes[name] = stored

    def take_modalities(self, modalities: Mapping[str, ModalityArray]) -> None:
        """Notes how much of each modality has no data, and which bands it has."""
        for name, modality in modalities.items():
            if modality.has_data is not None:
                self.no_data[name] = float((~modality.has_data).mean())
            if modality.numbers is not None:
                self.numbers[name] = modality.numbers
