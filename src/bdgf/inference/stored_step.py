"""A `WindowStep` for other processes: each loads the model once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bdgf.inference.map_model import load_map_model
from bdgf.inference.map_model_folder import FILE
from bdgf.scenes.scene_windows import DatasetWindows, InOrder, StoredWindows

if TYPE_CHECKING:
    import numpy as np

    from bdgf.inference.map_model import MapModel
    from bdgf.inference.window_step import WindowStep
    from bdgf.raster.windows import Window

_KEPT = 2
"""Steps that a process keeps: a worker may map several scenes in its life."""
_steps: OrderedDict[str, WindowStep] = OrderedDict()


@dataclass(frozen=True)
class StoredStep:
    """Does the same as `step`, in any process that sees the same folders.

    Attributes:
        mark: Tells steps apart.
        model: Folder of the model.
        parts: Arguments of the `WindowStep` that the model's folder does not hold.
        threads: Threads of PyTorch in the process; None leaves them.
    """

    mark: str
    model: str
    parts: dict[str, Any]
    threads: int | None = None

    def __call__(self, window: Window) -> dict[str, np.ndarray]:
        """The layers of a window."""
        return self._step()(window)

    def _step(self) -> WindowStep:
        if self.mark not in _steps:
            from bdgf.inference.window_step import WindowStep

            if self.threads is not None:
                import torch

                torch.set_num_threads(self.threads)
            model = load_map_model(self.model)
            classifier, guidance = model.drawn_by(self.parts["inference"])
            _steps[self.mark] = WindowStep(classifier=classifier, guidance=guidance, **self.parts)
            while len(_steps) > _KEPT:
                _steps.popitem(last=False)
        return _steps[self.mark]


@contextmanager
def stored_step(
    step: WindowStep, model: MapModel, folder: Path, threads: int | None
) -> Iterator[StoredStep]:
    """Puts into files what the workers do not find in any, while the block runs.

    Args:
        step: The step.
        model: Its model.
        folder: Takes the files; the workers see it.
        threads: Threads of each worker.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="workers-", dir=folder) as name:
        place = Path(name).resolve()
        home = model.place
        if home is None:
            home = place / "model"
            model.save(home / FILE)
        source = step.source
        if isinstance(source, InOrder) and isinstance(source.source, DatasetWindows):
            # Else every task would carry the whole scene.
            stored = StoredWindows.write(source.source, place / "scene.nc")
            source = InOrder(stored, source.order)
        parts = {
            "source": source,
            "preparation": step.preparation,
            "inference": step.inference,
            "devices": step.devices,
            "layers": step.layers,
        }
        yield StoredStep(uuid4().hex, str(home.resolve()), parts, threads)
