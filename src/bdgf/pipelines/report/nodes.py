"""What was measured becomes figures."""

from __future__ import annotations

from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from bdgf.evaluation.figures import (
    class_map_figure,
    confusion_figure,
    curves_figure,
    entropy_figure,
)
from bdgf.scenes.scene import LABELS, class_table
from bdgf.weights import Weights

# Curves for who looks into a training that went wrong; the figure shows how well it went.
_LEFT_TO_MLFLOW = ("learning_rate", "gradient_norm")


def draw_figures(
    class_map: xr.DataArray,
    uncertainty_map: xr.DataArray,
    predictions: xr.Dataset,
    metrics: dict[str, Any],
) -> tuple[Figure, Figure, Figure]:
    """The class map beside its reference, the uncertainty and the confusion matrix.

    Args:
        class_map: (y, x) class ids.
        uncertainty_map: (y, x) entropy.
        predictions: The predictions, for labels and classes.
        metrics: The metrics.

    Returns:
        Three figures.
    """
    classes = class_table(predictions)
    title = (
        f"{metrics['scene']}, {metrics['model']}, split {metrics['split']['name']}, "
        f"seed {metrics['seed']}: OA {100 * metrics['overall_accuracy']:.2f} %, "
        f"AA {100 * metrics['average_accuracy']:.2f} %, kappa {100 * metrics['kappa']:.2f} %"
    )
    reference = predictions[LABELS].to_numpy()
    return (
        class_map_figure(class_map.to_numpy(), classes, reference, title),
        entropy_figure(uncertainty_map.to_numpy(), f"{metrics['scene']}: uncertainty"),
        confusion_figure(metrics["confusion_matrix"], classes),
    )


def draw_curves(denoiser: Weights, classifier: Weights) -> Figure:
    """The curves of pretraining and training, as the weights carry them.

    Args:
        denoiser: The denoiser.
        classifier: The classifier.
    """
    curves = {
        name: series
        for name, series in {**denoiser.config["history"], **classifier.config["history"]}.items()
        if not name.endswith(_LEFT_TO_MLFLOW)
    }
    return curves_figure(curves, f"{classifier.config['scene']}: pretraining and training")
