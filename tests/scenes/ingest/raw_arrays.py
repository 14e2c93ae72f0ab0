"""Raw arrays as readers hand them over, without files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bdgf.scenes.config import LabelMap, Modality
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.readers.raw_array import RawArray

YXB = ("y", "x", "band")


def image(*arrays: RawArray, name: str = "hsi", **settings: Any) -> tuple[FoundArray, Modality]:
    """A modality of these arrays, one a file, and its configuration."""
    files = [f"{name}{i}.dat" for i in range(len(arrays))]
    modality = Modality.model_validate({"kind": "spectral", "file": files, **settings})
    paths = tuple(map(Path, files))
    found = FoundArray("mine", f"modality '{name}'", modality.sources[0], arrays, paths)
    return found, modality


def labels(array: RawArray, item: str = "labels", **settings: Any) -> FoundArray:
    """A label map of this array."""
    source = LabelMap.model_validate({"file": f"{item}.dat", **settings}).sources[0]
    return FoundArray("mine", item, source, (array,), (Path(f"{item}.dat"),))


def cube(values: Any, **said: Any) -> RawArray:
    """A raw array whose axes are (y, x, band)."""
    return RawArray(np.asarray(values), axes=YXB, **said)
