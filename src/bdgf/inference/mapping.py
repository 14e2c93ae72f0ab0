"""Maps a scene of any size block by block into files, so that a killed run can resume."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.errors import SceneError
from bdgf.core.fingerprint import fingerprint
from bdgf.core.machine_memory import GIB
from bdgf.evaluation.prediction_sets import SetRule
from bdgf.features.memory import ExtractionMemory
from bdgf.inference.executors import ExecutorSettings, Workers, open_workers
from bdgf.inference.labelled_pixels import LabelledPixels
from bdgf.inference.map_model import MapModel
from bdgf.inference.prediction_sets import set_rule
from bdgf.inference.settings import InferenceSettings, MappingSettings
from bdgf.inference.stored_step import stored_step
from bdgf.inference.window_step import (
    CLASS_MAP,
    PROBABILITIES,
    SET_SIZE_MAP,
    UNCERTAINTY_MAP,
    WindowStep,
)
from bdgf.raster.block_file import BlockFile, Layer
from bdgf.raster.stream import stream
from bdgf.raster.windows import Window, blocks, row_bands
from bdgf.training.devices import arithmetic, make_fabric
from bdgf.training.progress import PIXELS, ProgressBar

if TYPE_CHECKING:
    from bdgf.scenes.scene_windows import SceneWindows
    from bdgf.training.devices import DeviceSettings

log = logging.getLogger(__name__)

_PLAIN_SIDE = 512
"""Side in pixels of the blocks of a model without diffusion features."""
_ROWS = 512
"""Rows of a map that are read at a time."""


@dataclass(frozen=True)
class MappedScene:
    """The map of a scene, in files.

    Attributes:
        model: What drew it.
        source: What was mapped.
        file: Its layers.
        labelled: Probabilities at the labelled pixels, where the scene has labels.
        hidden: The modalities that the model did not see.
        sets: Which classes a prediction set holds; None where none were asked for.
        fast: Whether its fast network drew it.
    """

    model: MapModel
    source: SceneWindows
    file: BlockFile
    labelled: LabelledPixels | None = None
    hidden: tuple[str, ...] = ()
    sets: SetRule | None = None
    fast: bool = False

    def rows(self, layer: str) -> Iterator[tuple[slice, np.ndarray]]:
        """Slices of rows of a layer, with their numbers (bands, rows, W)."""
        for part in row_bands(self.file.shape[0], _ROWS):
            values = self.file.read(layer, part)
            yield part, values if values.ndim == 3 else values[None]

    def overview(self, layer: str, most: int) -> np.ndarray:
        """(h, w) of a layer, every n-th pixel, so that no side is longer than `most`."""
        step = max(1, math.ceil(max(self.file.shape) / most))
        parts = []
        for part in row_bands(self.file.shape[0], _ROWS):
            first = -part.start % step
            parts.append(self.file.read(layer, part)[first::step, ::step])
        return np.concatenate(parts)


def map_scene(
    model: MapModel,
    source: SceneWindows,
    settings: MappingSettings,
    inference: InferenceSettings,
    cache: ArtifactCache,
    devices: DeviceSettings | None = None,
    executor: ExecutorSettings | None = None,
) -> MappedScene:
    """Maps every pixel of a scene.

    Args:
        model: The model.
        source: The scene.
        settings: Blocks, layers and adaptation.
        inference: How a map is drawn.
        cache: Keeps the layers, those of a run that was killed too.
        devices: Where to compute.
        executor: Who makes the blocks; None makes them here.

    Raises:
        SettingsError: The workers cannot be reached.
        SceneError: The scene is not what the model was trained for, or cannot be read.
        StorageError: The disk refuses.
    """
    model.check(source, inference.hide)
    labels = _known_labels(model, source)
    if settings.adapt == "statistics":
        model = model.adapted(source)
    layers = (
        *(CLASS_MAP, UNCERTAINTY_MAP),
        *((PROBABILITIES,) * settings.probabilities),
        *((SET_SIZE_MAP,) * (inference.sets.coverage is not None)),
    )
    asked = layers if labels is None else (*layers, PROBABILITIES)
    step = model.step(source, inference, devices, tuple(dict.fromkeys(asked)))
    side = block_side(step, settings)
    cut = list(blocks(source.shape, side))
    made = _fingerprint(model, source, settings, inference, side, labels, devices)
    with cache.claim(made) as place:
        forms = {
            CLASS_MAP: Layer("uint8"),
            UNCERTAINTY_MAP: Layer("float32"),
            SET_SIZE_MAP: Layer("uint8"),
            PROBABILITIES: Layer("float32", model.classes.count),
        }
        file = BlockFile(place, source.shape, {n: forms[n] for n in layers}, len(cut), made)
        labelled = None
        if labels is not None:
            path = place.with_name(f"{place.name}.labelled.raw")
            labelled = LabelledPixels.open(path, labels, model.classes.count, PROBABILITIES)
        sink = file if labelled is None else _Both(labelled, file)
        with open_workers(executor or ExecutorSettings()) as workers:
            if workers.executor is None:
                _run(step, cut, sink, source, workers)
            else:
                with stored_step(step, model, cache.folder, workers.threads) as stored:
                    _run(stored, cut, sink, source, workers)
    rule = set_rule(model.classifier.config, inference)
    return MappedScene(model, source, file, labelled, inference.hide, rule, inference.fast)


def block_side(step: WindowStep, settings: MappingSettings) -> int:
    """Side of a block in pixels, so that its activations fit into the allowed memory."""
    if settings.block != "auto":
        return int(settings.block)
    if step.guidance is None:
        return _PLAIN_SIDE
    guidance = step.guidance
    memory = ExtractionMemory(step.denoiser, guidance.levels, len(guidance.settings.timesteps))
    return memory.block_side(settings.memory_gib * GIB, margin=step.reach, halo=step.halo)


class _Both:
    """Two sinks as one: the labelled pixels first, then the file with its mark."""

    def __init__(self, labelled: LabelledPixels, file: BlockFile) -> None:
        self._labelled, self._file = labelled, file

    def done(self, number: int) -> bool:
        return self._file.done(number)

    def write(self, number: int, window: Window, layers: dict[str, np.ndarray]) -> None:
        self._labelled.take(window, layers)
        self._file.write(number, window, layers)


def _run(
    step: Callable[[Window], dict[str, np.ndarray]],
    cut: list[Window],
    sink: BlockFile | _Both,
    source: SceneWindows,
    workers: Workers,
) -> None:
    pixels = source.shape[0] * source.shape[1]
    there = sum(w.shape[0] * w.shape[1] for n, w in enumerate(cut) if sink.done(n))
    if there:
        log.info("%s: %.0f %% of the map is there", source.name, 100 * there / pixels)
    done = 0
    with ProgressBar(f"mapping {source.name}", pixels, unit=PIXELS, done=there) as bar:

        def show(more: int) -> None:
            nonlocal done
            done += more
            if done > there:
                bar.update(done)

        stream(cut, step, sink, workers.executor, workers=workers.count, progress=show)


def _known_labels(model: MapModel, source: SceneWindows) -> np.ndarray | None:
    """(H, W) uint8 labels in the model's ids, by the classes' names; None without labels.

    Raises:
        SceneError: None of the classes is one of the model's.
    """
    found = source.labels()
    if found is None:
        return None
    labels, classes = found
    ids = dict(zip(model.classes.names, model.classes.ids, strict=True))
    table = np.zeros(256, np.uint8)
    for class_id, name in zip(classes.ids, classes.names, strict=True):
        table[class_id] = ids.get(name, 0)
    known = table[labels]
    if not known.any():
        raise SceneError(
            f"scene '{source.name}' has labels of {', '.join(classes.names)}, none of which is a "
            f"class of the model ({', '.join(model.classes.names)}); name its classes as the "
            "model's, or leave out its labels"
        )
    if unknown := int(((labels > 0) & (known == 0)).sum()):
        others = [name for name in classes.names if name not in ids]
        log.warning(
            "%s: %d labelled pixels are of classes that the model does not know (%s) and are not "
            "scored",
            *(source.name, unknown, ", ".join(others)),
        )
    return known


def _fingerprint(
    model: MapModel,
    source: SceneWindows,
    settings: MappingSettings,
    inference: InferenceSettings,
    side: int,
    labels: np.ndarray | None,
    devices: DeviceSettings | None,
) -> str:
    device = make_fabric(devices).device
    layers: Mapping[str, object] = {"probabilities": settings.probabilities, "side": side}
    return fingerprint(
        model.digest,
        source.digest(),
        layers,
        settings.adapt,
        inference.model_dump(mode="json"),
        np.zeros(0, np.uint8) if labels is None else labels,
        *arithmetic(device),
    )
