"""The map of the sizes of prediction sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bdgf.core.errors import SettingsError
from bdgf.pipelines.evaluate.nodes import PROBABILITIES

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.models.base import TrainedModel


def draw_set_sizes(
    predictions: xr.Dataset, classifier: TrainedModel, inference: dict[str, Any]
) -> xr.DataArray:
    """The map of how many classes each pixel's prediction set holds.

    Args:
        predictions: The predictions.
        classifier: The trained classifier, for its thresholds.
        inference: The group `inference`, with the coverage of the sets.

    Returns:
        (y, x) uint8, 0 = no data.

    Raises:
        SettingsError: No coverage is set, or the model keeps no held-out evidence.
    """
    import numpy as np

    from bdgf.evaluation.prediction_sets import set_size_map
    from bdgf.inference.prediction_sets import set_rule
    from bdgf.inference.settings import InferenceSettings
    from bdgf.raster.windows import row_bands, rows_within
    from bdgf.scenes.scene import LABELS, valid_mask

    rule = set_rule(classifier.config, InferenceSettings.model_validate(inference))
    if rule is None:
        raise SettingsError("there is no map of set sizes without inference.sets.coverage; set it")
    probabilities, valid = predictions[PROBABILITIES], valid_mask(predictions)
    sizes = np.zeros(valid.shape, np.uint8)
    for rows in row_bands(valid.shape[0], rows_within(probabilities.shape[0] * valid.shape[1])):
        sizes[rows] = set_size_map(probabilities[:, rows].to_numpy(), valid[rows], rule.threshold)
    drawn = predictions[LABELS].copy(data=sizes)
    drawn.attrs = {
        "quantity": set_size_text(rule.coverage),
        "nodata": 0,
        "scene": predictions.attrs["scene"],
    }
    return drawn.rename("set_size_map")


def set_size_text(coverage: float) -> str:
    """The description of a map of set sizes."""
    return f"number of classes in the prediction set of {100 * coverage:.0f} % coverage"
