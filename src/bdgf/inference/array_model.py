"""A MapModel for callers that only use arrays, such as MLflow.

MLflow loads it by this module's name; nothing here, and nothing that is loaded, imports MLflow or
Kedro.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr

from bdgf.inference.map_model import MapModel, load_map_model
from bdgf.inference.window_step import empty_layers
from bdgf.raster.windows import Window
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.scene import ModalityArray, modality_names, new_scene
from bdgf.scenes.scene_windows import SceneWindows

FOLDER = "map_model"
"""The folder of the model below the one that `_load_pyfunc` is given."""
_EXAMPLE_SIDE = 8
_PLACES = 8
"""Along either side, how many places an example is looked for at."""


@dataclass(frozen=True)
class ArrayModel:
    """A MapModel that maps arrays.

    Attributes:
        model: The model.
    """

    model: MapModel

    def predict(
        self, arrays: Mapping[str, np.ndarray], params: dict[str, Any] | None = None
    ) -> dict[str, np.ndarray]:
        """The map of a raster.

        Args:
            arrays: (bands, H, W) float32 of each modality by its name; NaN where it has no data. A
                modality without any data is taken as missing.
            params: Not read; MLflow hands them on.

        Returns:
            `class_map` (H, W) uint8, 0 = no data; `uncertainty_map` (H, W) float32, NaN = no data;
            `probabilities` (K, H, W) float32, 0 = no data.

        Raises:
            SceneError: The arrays are not what the model was trained for.
        """
        if arrays and not any(_has_data(values).any() for values in arrays.values()):
            shape = next(iter(arrays.values())).shape[1:]
            return empty_layers((shape[0], shape[1]), self.model.classes.count)
        maps = self.model.predict(scene_of_arrays(arrays, self.model))
        return {str(name): maps[name].to_numpy() for name in maps.data_vars}

    def get_raw_model(self) -> MapModel:
        """The MapModel, which maps scenes and files; MLflow calls it by this name."""
        return self.model


def arrays_of_scene(scene: xr.Dataset) -> dict[str, np.ndarray]:
    """A scene as input of `ArrayModel.predict`.

    Args:
        scene: The scene (`bdgf.scenes.scene`).

    Returns:
        (bands, H, W) float32 of each modality, NaN where it has no data.
    """
    arrays = {}
    for name in modality_names(scene):
        values = scene[name].transpose(f"band_{name}", "y", "x").to_numpy()
        arrays[name] = np.where(modality_mask(scene, name), values, np.float32(np.nan))
    return arrays


def scene_of_arrays(arrays: Mapping[str, np.ndarray], model: MapModel) -> xr.Dataset:
    """A scene from arrays, with the kinds and units of the model's training.

    Args:
        arrays: As `ArrayModel.predict` takes them.
        model: The model.

    Raises:
        SceneError: The arrays do not fit together.
    """
    modalities = {}
    for name, values in arrays.items():
        form = model.modalities.get(name)
        modalities[name] = ModalityArray(
            # Laid out as scenes are: products of matrices may depend on it in the last bit.
            np.ascontiguousarray(np.moveaxis(values, 0, -1)),
            kind=cast(Any, form.kind if form else "auxiliary"),
            units=form.units if form else "",
            scale=cast(Any, form.scale if form else "linear"),
            has_data=_has_data(values),
        )
    return new_scene("arrays", modalities, None, model.classes)


def example_arrays(source: SceneWindows, side: int = _EXAMPLE_SIDE) -> dict[str, np.ndarray]:
    """A small window of a raster: of some candidates, the one with the fewest gaps.

    Args:
        source: The raster.
        side: Side of the window in pixels.

    Returns:
        What `ArrayModel.predict` takes.
    """
    found: dict[str, np.ndarray] = {}
    fewest = np.inf
    for window in _places(source.shape, side):
        arrays = arrays_of_scene(source.read(window))
        gaps = sum(np.isnan(values[0]).sum() for values in arrays.values())
        if gaps < fewest:
            found, fewest = arrays, gaps
        if not gaps:
            break
    return found


def _places(shape: tuple[int, int], side: int) -> Iterator[Window]:
    # From the middle outwards: borders are where data is missing.
    def starts(length: int) -> list[int]:
        last = max(length - side, 0)
        spread = {int(place) for place in np.linspace(0, last, _PLACES)}
        return sorted(spread, key=lambda start: abs(2 * start - last))

    for row, column in product(starts(shape[0]), starts(shape[1])):
        yield Window(
            slice(row, min(row + side, shape[0])), slice(column, min(column + side, shape[1]))
        )


def _has_data(values: np.ndarray) -> np.ndarray:
    return np.isfinite(values).all(axis=0)


def _load_pyfunc(path: str) -> ArrayModel:
    """What MLflow calls to load a model; the name is its own.

    Args:
        path: The folder of the logged model.
    """
    return ArrayModel(load_map_model(Path(path) / FOLDER))
