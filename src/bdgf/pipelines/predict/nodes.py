"""A MapModel maps another scene; where that has labels, the map is measured on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bdgf.core.errors import SettingsError
from bdgf.framework.mlflow_logger import logged_seconds
from bdgf.pipelines.evaluate.nodes import confusion_table, per_class_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from bdgf.datasets.cog_map import MapRows
    from bdgf.inference.map_model import MapModel
    from bdgf.inference.mapping import MappedScene
    from bdgf.raster.cog import MapForm


_KEPT = 4
"""Of a target, how many maps stay in the working folder, those that were used last."""
_QUICK_LOOK = 1000
"""Pixels of the quick look's longer side at most."""


def map_target(
    map_model: MapModel,
    target: str | None,
    configuration: dict[str, Any],
    ingest: dict[str, Any],
    parameters: dict[str, Any],
    inference: dict[str, Any],
    devices: dict[str, Any],
    cache: dict[str, Any],
    executor: Any,
) -> MappedScene:
    """Maps every pixel of the target that has data.

    Args:
        map_model: The model.
        target: The target's name.
        configuration: The target's configuration, as in `parameters_scenes/`.
        ingest: The group `ingest`.
        parameters: The group `predict`.
        inference: The group `inference`.
        devices: The group `devices`.
        cache: The group `cache`.
        executor: The group `executor`, or `local`.

    Raises:
        SettingsError: There is no target.
    """
    from bdgf.core.artifact_cache import ArtifactCache, CacheSettings
    from bdgf.inference.executors import ExecutorSettings
    from bdgf.inference.mapping import map_scene
    from bdgf.inference.settings import InferenceSettings, MappingSettings
    from bdgf.scenes.ingest.file_windows import open_scene
    from bdgf.scenes.ingest.read_scene import IngestSettings
    from bdgf.training.devices import DeviceSettings

    if target is None:
        raise SettingsError(
            "predict maps a scene with the model of another one; say which: "
            f"kedro run --pipeline=predict --params dataset={map_model.scene},target=<scene>"
        )
    settings = MappingSettings.model_validate(parameters)
    folder = CacheSettings.model_validate(cache).model_copy(update={"keep": _KEPT})
    source = open_scene(
        target, configuration, IngestSettings.model_validate(ingest), settings.resident_gib
    )
    with logged_seconds("predict"):
        return map_scene(
            map_model,
            source,
            settings,
            InferenceSettings.model_validate(inference),
            ArtifactCache.of_scene(folder, target, "maps"),
            DeviceSettings.model_validate(devices),
            ExecutorSettings.model_validate(executor),
        )


def draw_target_maps(target_map: MappedScene) -> tuple[MapRows, MapRows, Figure]:
    """The class map and the uncertainty map for GIS programs, and a quick look."""
    from bdgf.datasets.cog_map import MapRows
    from bdgf.evaluation.figures import class_map_figure
    from bdgf.inference.window_step import CLASS_MAP, UNCERTAINTY_MAP

    classes, source = target_map.model.classes, target_map.source
    table = zip(classes.ids, classes.names, classes.colors, strict=True)
    class_form = replace(
        _form(target_map, "uint8", 0),
        bands=("class",),
        classes={number: (name, color) for number, name, color in table},
    )
    entropy = ("entropy of the class probabilities divided by log K",)
    entropy_form = replace(_form(target_map, "float32", float("nan")), bands=entropy, units="1")
    title = f"{source.name}, mapped by {target_map.model.name} of {target_map.model.scene}"
    look = class_map_figure(target_map.overview(CLASS_MAP, _QUICK_LOOK), classes, None, title)
    return (
        MapRows(class_form, lambda: target_map.rows(CLASS_MAP)),
        MapRows(entropy_form, lambda: target_map.rows(UNCERTAINTY_MAP)),
        look,
    )


def keep_target_probabilities(target_map: MappedScene) -> MapRows:
    """The probability of every class, a band each."""
    from bdgf.datasets.cog_map import MapRows
    from bdgf.inference.window_step import PROBABILITIES

    names = tuple(f"probability of {name}" for name in target_map.model.classes.names)
    form = replace(_form(target_map, "float32", float("nan")), bands=names, units="1")
    return MapRows(form, lambda: target_map.rows(PROBABILITIES))


def _form(target_map: MappedScene, dtype: str, nodata: float) -> MapForm:
    from bdgf.raster.cog import MapForm

    source, model = target_map.source, target_map.model
    tags = {"scene": source.name, "model": model.name, "by": model.scene}
    return MapForm(dtype, source.shape, nodata, source.crs, source.transform, tags=tags)


def score_target(
    target_map: MappedScene, parameters: dict[str, Any]
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Measures the map on all labelled pixels of the target that have data.

    Args:
        target_map: The map of a target with labels.
        parameters: The group `evaluation`.

    Returns:
        The metrics as `evaluate` has them, with `transfer`; a row a class; the confusion matrix.

    Raises:
        SettingsError: The target has no labels.
    """
    import numpy as np

    from bdgf.evaluation.report import EvaluationSettings, measure

    labelled, model = target_map.labelled, target_map.model
    if labelled is None:
        raise SettingsError(
            f"scene '{target_map.source.name}' has no labels that its map could be scored on"
        )
    found, truth = labelled.probabilities, labelled.truth
    has_data = found.any(axis=1)
    config = model.classifier.config
    measured = measure(
        found[has_data], truth[has_data], model.classes, EvaluationSettings(**parameters)
    )
    metrics = {
        **measured,
        "leakage": None,  # where the training pixels lie on the target is not known
        "split": {
            "name": "transfer",
            "seed": config["seed"],
            "train": 0,
            "validation": 0,
            "test": int(np.count_nonzero(has_data)),
        },
        "patch": config["patch"],
        "seed": config["seed"],
        "scene": target_map.source.name,
        "model": model.name,
        "parameters": config["parameters"],
        "transfer": {"from": model.scene, "to": target_map.source.name},
    }
    return metrics, per_class_table(metrics), confusion_table(metrics)
