"""A small copy of a run's map, to show it next to the maps of other runs."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from bdgf.core.errors import UserError, artifact_errors
from bdgf.core.storage import written_whole
from bdgf.evaluation.ground import metres_per_pixel
from bdgf.evaluation.maps import class_map
from bdgf.evaluation.report_page.images import thinning
from bdgf.scenes.classes import ClassTable
from bdgf.scenes.scene import LABELS, class_table, georeference, valid_mask

log = logging.getLogger(__name__)

_PIXELS = 320
"""Of a map's longer side: several are looked at beside one another."""
_ENDING = ".map.npz"


@dataclass(frozen=True)
class MapSketch:
    """A map, thinned.

    Attributes:
        class_map: (h, w) uint8 class ids, 0 = none.
        labels: (h, w) uint8 reference class ids, 0 = unlabelled.
        classes: The class table.
        metres_across: Width of the map on the ground; None where that is not known.
    """

    class_map: np.ndarray
    labels: np.ndarray
    classes: ClassTable
    metres_across: float | None

    @classmethod
    def of(cls, predictions: xr.Dataset) -> MapSketch:
        """The sketch of a run's predictions."""
        shape = predictions.sizes["y"], predictions.sizes["x"]
        thin = slice(None, None, thinning(shape, _PIXELS))
        part = predictions.isel(y=thin, x=thin)
        metres = metres_per_pixel(shape, *georeference(predictions))
        return cls(
            class_map(part["probabilities"].to_numpy(), valid_mask(part)),
            part[LABELS].to_numpy().astype(np.uint8),
            class_table(predictions),
            None if metres is None else metres[0] * shape[1],
        )


def write_sketch(folder: Path, fingerprint: str, sketch: MapSketch) -> None:
    """Keeps the sketch of a run.

    Raises:
        StorageError: The disk refuses.
    """
    told = json.dumps({"classes": asdict(sketch.classes), "metres_across": sketch.metres_across})
    partial = folder / f".{fingerprint}.map.part.npz"
    with written_whole(folder / f"{fingerprint}{_ENDING}", partial) as path:
        np.savez_compressed(
            path,
            told=np.frombuffer(told.encode(), np.uint8),
            class_map=sketch.class_map,
            labels=sketch.labels,
        )


def read_sketch(folder: Path, fingerprint: str) -> MapSketch | None:
    """The sketch of a run; None where there is none, or where it is damaged.

    A report is made without it then: the run's figures are in its record.
    """
    path = folder / f"{fingerprint}{_ENDING}"
    if not path.exists():
        return None
    try:
        with artifact_errors(str(path), "the report is made without it"):
            return _read(path)
    except (UserError, MemoryError) as error:
        log.warning("%s", error)
        return None


def _read(path: Path) -> MapSketch:
    # By way of the archive, which compares check sums before NumPy believes a header.
    with zipfile.ZipFile(path) as archive:
        told, drawn, labels = (
            np.load(io.BytesIO(archive.read(f"{name}.npy")))
            for name in ("told", "class_map", "labels")
        )
    known = json.loads(told.tobytes())
    table = {name: tuple(values) for name, values in known["classes"].items()}
    classes = ClassTable(**table)
    if (
        drawn.ndim != 2
        or drawn.shape != labels.shape
        or max(drawn.max(), labels.max()) > classes.count
    ):
        raise ValueError("its arrays are not as they were written")
    return MapSketch(drawn, labels, classes, known["metres_across"])
