"""What was measured becomes figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bdgf.core.errors import MissingArtifactError

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from bdgf.core.weights import Weights
    from bdgf.models.base import TrainedModel


# Curves for who looks into a training that went wrong; the figure shows how well it went.
_LEFT_TO_MLFLOW = ("learning_rate", "gradient_norm")


def draw_figures(
    class_map: xr.DataArray,
    uncertainty_map: xr.DataArray,
    predictions: xr.Dataset,
    metrics: dict[str, Any],
    model: str,
) -> tuple[Figure, Figure, Figure]:
    """The class map beside its reference, the uncertainty and the confusion matrix.

    Args:
        class_map: (y, x) class ids.
        uncertainty_map: (y, x) entropy.
        predictions: The predictions, for labels and classes.
        metrics: The metrics.
        model: The model that is to be drawn.

    Returns:
        Three figures.

    Raises:
        MissingArtifactError: What was scored last is another model.
    """
    from bdgf.evaluation.figures import class_map_figure, confusion_figure, entropy_figure
    from bdgf.scenes.scene import LABELS, class_table

    if metrics["model"] != model:
        scene = metrics["scene"]
        raise MissingArtifactError(
            f"what was scored last of '{scene}' is model '{metrics['model']}', not '{model}'; "
            f"run first: kedro run --pipeline=evaluate --params dataset={scene},model={model}"
        )
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


def draw_curves(classifier: TrainedModel, denoiser: Weights | None = None) -> Figure:
    """The curves of pretraining and training, as the weights carry them.

    Args:
        classifier: The classifier; one that is not trained step by step has none.
        denoiser: The denoiser, where the classifier uses its features.
    """
    from bdgf.evaluation.figures import curves_figure

    pretraining = denoiser.config["history"] if denoiser else {}
    curves = {
        name: series
        for name, series in {**pretraining, **classifier.config["history"]}.items()
        if not name.endswith(_LEFT_TO_MLFLOW)
    }
    what = "pretraining and training" if denoiser else "training"
    if not curves:
        what = "fitted at once, without learning curves"
    return curves_figure(
        curves, f"{classifier.config['scene']}, {classifier.config['model']}: {what}"
    )
