"""Metrics become figures and a report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bdgf.core.errors import MissingArtifactError
from bdgf.pipelines.evaluate.nodes import PROBABILITIES, VOTES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from bdgf.core.weights import Weights
    from bdgf.framework.run_record import RunRecord
    from bdgf.models.base import TrainedModel

# Of the denoiser's history, a value a modality: what it is called in a report.
_BALANCE = {
    "explained_noise": "explained noise",
    "feature_share": "share of the features",
    "mask_rate": "masking rate",
}


def draw_figures(
    class_map: xr.DataArray,
    uncertainty_map: xr.DataArray,
    predictions: xr.Dataset,
    metrics: dict[str, Any],
    model: str,
) -> tuple[Figure, Figure, Figure]:
    """The class map with its reference, the uncertainty and the confusion matrix.

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
    from bdgf.evaluation.figures.maps import class_map_figure, entropy_figure
    from bdgf.evaluation.figures.scores import confusion_figure
    from bdgf.evaluation.ground import metres_per_pixel
    from bdgf.scenes.scene import LABELS, class_table, georeference

    check_model(metrics, model)
    classes = class_table(predictions)
    what = f"{metrics['scene']}, {metrics['model']}"
    what += " (fast network)" if "fast" in metrics else ""
    title = (
        f"{what}, split {metrics['split']['name']}, "
        f"seed {metrics['seed']}: OA {100 * metrics['overall_accuracy']:.2f} %, "
        f"AA {100 * metrics['average_accuracy']:.2f} %, kappa {100 * metrics['kappa']:.2f} %"
    )
    reference = predictions[LABELS].to_numpy()
    shape = class_map.sizes["y"], class_map.sizes["x"]
    metres = metres_per_pixel(shape, *georeference(class_map))
    across = None if metres is None else metres[0]
    tested = metrics["split"]["test"]
    return (
        class_map_figure(class_map.to_numpy(), classes, reference, title, across),
        entropy_figure(uncertainty_map.to_numpy(), f"{what}: uncertainty", across),
        confusion_figure(
            metrics["confusion_matrix"], classes, f"{what}: {tested:,} test pixels by class"
        ),
    )


def draw_curves(classifier: TrainedModel, denoiser: Weights | None = None) -> Figure:
    """The curves of pretraining and training, stored with the weights.

    Args:
        classifier: The classifier; one that is not trained step by step has none.
        denoiser: The denoiser, where the classifier uses its features.
    """
    from bdgf.evaluation.figures.curves import curves_figure
    from bdgf.evaluation.report_page.map_report import LEFT_OUT_CURVES

    curves = {
        name: series
        for name, series in histories(classifier, denoiser).items()
        if not name.endswith(LEFT_OUT_CURVES)
    }
    what = "pretraining and training" if denoiser else "training"
    if not curves:
        what = "no learning curves"
    return curves_figure(
        curves, f"{classifier.config['scene']}, {classifier.config['model']}: {what}"
    )


def write_report(
    scene: xr.Dataset | None,
    split: xr.DataArray,
    predictions: xr.Dataset,
    class_map: xr.DataArray,
    uncertainty_map: xr.DataArray,
    metrics: dict[str, Any],
    classifier: TrainedModel,
    run_record: RunRecord,
    model: str,
    denoiser: Weights | None = None,
) -> str:
    """The report of a scored map as one HTML file.

    Args:
        scene: The scene, for its false colours; None where it was deleted.
        split: The split.
        predictions: The predictions.
        class_map: (y, x) class ids.
        uncertainty_map: (y, x) entropy.
        metrics: The metrics.
        classifier: The classifier, for its curves and fingerprints.
        run_record: What is known of the run.
        model: The model that is to be reported on.
        denoiser: The denoiser, where the classifier uses its features.

    Raises:
        MissingArtifactError: What was scored last is another model.
    """
    import numpy as np

    from bdgf.evaluation.ground import class_areas, metres_per_pixel
    from bdgf.evaluation.prediction_sets import SetRule, set_size_map
    from bdgf.evaluation.report_page.images import thinning
    from bdgf.evaluation.report_page.map_report import map_report
    from bdgf.evaluation.report_page.map_result import MapResult, place_text
    from bdgf.evaluation.report_page.page import render
    from bdgf.evaluation.report_page.scene_images import scene_images
    from bdgf.framework.run_record import unused_groups
    from bdgf.inference.fast.model import drawn_fast
    from bdgf.scenes.scene import LABELS, class_table, georeference, valid_mask
    from bdgf.scenes.scene_windows import DatasetWindows
    from bdgf.splits.parts import PARTS, TEST

    check_model(metrics, model)
    classes, (crs, transform) = class_table(predictions), georeference(class_map)
    labels, parts = predictions[LABELS].to_numpy(), split.to_numpy()
    whole, shape = class_map.to_numpy(), (class_map.sizes["y"], class_map.sizes["x"])
    step = thinning(shape)
    thin = (slice(None, None, step), slice(None, None, step))
    votes = {}
    if VOTES in predictions:
        said = predictions[VOTES].isel(y=thin[0], x=thin[1])
        branches = json.loads(said.attrs["branches"])
        votes = dict(zip(branches, said.to_numpy(), strict=True))
    hidden = f" Without {metrics['hidden']}." if "hidden" in metrics else ""
    sets = SetRule.of(metrics["sets"]) if "sets" in metrics else None
    sizes = None
    if sets is not None:
        shown = predictions[PROBABILITIES].isel(y=thin[0], x=thin[1]).to_numpy()
        sizes = set_size_map(shown, valid_mask(predictions)[thin], sets.threshold)
    fast = f" {drawn_fast(metrics['fast'])}" if "fast" in metrics else ""
    result = MapResult(
        scene=metrics["scene"],
        model=metrics["model"],
        lead=f"Split {metrics['split']['name']}, seed {metrics['seed']}.{hidden}{fast}",
        shape=shape,
        step=step,
        classes=classes,
        class_map=whole[thin],
        uncertainty=uncertainty_map.to_numpy()[thin],
        pixels=np.bincount(whole.ravel(), minlength=classes.count + 1)[1:],
        areas=class_areas(whole, classes.count, crs, transform),
        metres=metres_per_pixel(shape, crs, transform),
        place=place_text(shape, crs, transform),
        images={} if scene is None else scene_images(DatasetWindows(scene), step),
        labels=labels[thin],
        scored=((parts == TEST) & valid_mask(predictions))[thin],
        split=parts[thin],
        split_counts={
            name: np.bincount(labels[parts == part], minlength=classes.count + 1)[1:]
            for name, part in PARTS.items()
        },
        votes=votes,
        set_sizes=sizes,
        sets=sets,
        metrics=metrics,
        curves=histories(classifier, denoiser),
        balance=balance_of(denoiser),
        facts=run_record.facts(unused_groups(classifier.config), **fingerprints(classifier)),
    )
    return render(map_report(result))


def check_model(metrics: dict[str, Any], model: str) -> None:
    """Rejects metrics of a model other than the requested one.

    Raises:
        MissingArtifactError: What was scored last is another model.
    """
    if metrics["model"] != model:
        scene = metrics["scene"]
        raise MissingArtifactError(
            f"the last scored model of '{scene}' is '{metrics['model']}', not '{model}'; "
            f"run first: kedro run --pipeline=evaluate --params dataset={scene},model={model}"
        )


def histories(classifier: TrainedModel, denoiser: Weights | None) -> dict[str, Any]:
    """(step, value) pairs by curve, including pretraining if there was one."""
    pretraining = denoiser.config["history"] if denoiser else {}
    return {**pretraining, **classifier.config["history"]}


def balance_of(denoiser: Weights | None) -> dict[str, dict[str, float]]:
    """Numbers of each modality at the end of the pretraining; none for a single modality."""
    if denoiser is None or len(names := denoiser.config["modality_order"]) < 2:
        return {}
    history = denoiser.config["history"]
    found = {
        told: {name: history.get(f"pretrain/{measure}_{name}") for name in names}
        for measure, told in _BALANCE.items()
    }
    return {
        told: {name: float(series[-1][1]) for name, series in of_modality.items()}
        for told, of_modality in found.items()
        if all(of_modality.values())
    }


def fingerprints(classifier: TrainedModel) -> dict[str, str]:
    """The origin of a model, as fingerprints."""
    keys = {"split_fingerprint": "split", "feature_fingerprint": "features"}
    return {
        f"fingerprint of the {name}": str(classifier.config[key])
        for key, name in keys.items()
        if classifier.config.get(key)
    }
