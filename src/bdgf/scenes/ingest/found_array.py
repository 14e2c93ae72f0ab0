"""An array of the scene as it was found: its files and what was read of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from bdgf.scenes.readers.raw_array import RawArray
from bdgf.scenes.sources import Source

SourceT = TypeVar("SourceT", bound=Source)

_QUOTE = "'"  # around a modality's name


@dataclass(frozen=True)
class FoundArray(Generic[SourceT]):
    """An array of the scene as it was found.

    Attributes:
        scene: The scene's name.
        item: What it is, such as "modality 'hsi'".
        source: The alternative that was taken.
        arrays: One array a file of the source.
        paths: The files.
    """

    scene: str
    item: str
    source: SourceT
    arrays: tuple[RawArray, ...]
    paths: tuple[Path, ...]

    @property
    def where(self) -> str:
        """The files and the variable, for messages."""
        return self.source.describe()

    @property
    def key(self) -> str:
        """Its place in the scene's file, such as `modalities.hsi`."""
        kind, _, name = self.item.partition(" ")
        return f"modalities.{name.strip(_QUOTE)}" if kind == "modality" else self.item

    @property
    def about(self) -> str:
        """The beginning of a message about it."""
        return f"{self.scene}: {self.item} from {self.where}"
