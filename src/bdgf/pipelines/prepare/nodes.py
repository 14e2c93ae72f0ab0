"""A Scene becomes a PreparedScene, and its labelled pixels a Split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.core.weights import Weights
    from bdgf.raster.streamed import StreamedDataset


def prepare_scene(scene: xr.Dataset, parameters: dict[str, Any]) -> tuple[StreamedDataset, Weights]:
    """Reduces and standardises the modalities.

    Args:
        scene: The scene.
        parameters: The group `preparation`.

    Returns:
        The prepared scene, made while it is written; and the statistics that prepared it, to be
        reused at prediction.
    """
    from bdgf.preprocessing.preparation import fit_preparation
    from bdgf.preprocessing.settings import PreparationSettings

    preparation = fit_preparation(scene, PreparationSettings.model_validate(parameters))
    return preparation.streamed(scene), preparation.to_weights()


def split_pixels(
    scene: xr.Dataset, parameters: dict[str, Any], patch: int, seed: int
) -> xr.DataArray:
    """Draws the training, validation and test pixels.

    Args:
        scene: The scene.
        parameters: The group `split`.
        patch: Side of the classifier's patches, in pixels: what a buffer must cover.
        seed: Seed of the draw.

    Returns:
        (y, x) uint8 map: 0 none, 1 train, 2 validation, 3 test.
    """
    from bdgf.splits.settings import SplitSettings
    from bdgf.splits.split import make_split

    return make_split(scene, SplitSettings.model_validate(parameters), seed, patch // 2)
