"""A MapModel maps another scene; the map is scored if the scene has labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bdgf.core.errors import SettingsError
from bdgf.framework.mlflow_logger import logged_seconds
from bdgf.pipelines.evaluate.nodes import confusion_table, facts_of, per_class_table
from bdgf.pipelines.evaluate.set_sizes import set_size_text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from bdgf.datasets.cog_map import MapRows
    from bdgf.framework.run_record import RunRecord
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
    from bdgf.scenes.ingest.open_scene import open_scene
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
    from bdgf.evaluation.figures.maps import class_map_figure
    from bdgf.evaluation.ground import metres_per_pixel
    from bdgf.evaluation.report_page.images import thinning
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
    title += " (fast network)" if target_map.fast else ""
    overview = target_map.overview(CLASS_MAP, _QUICK_LOOK)
    metres = metres_per_pixel(source.shape, source.crs, source.transform)
    across = None if metres is None else metres[0] * thinning(source.shape, _QUICK_LOOK)
    look = class_map_figure(overview, classes, None, title, across)
    return (
        MapRows(class_form, lambda: target_map.rows(CLASS_MAP)),
        MapRows(entropy_form, lambda: target_map.rows(UNCERTAINTY_MAP)),
        look,
    )


def keep_target_probabilities(target_map: MappedScene) -> MapRows:
    """The probability of every class, one band each."""
    from bdgf.datasets.cog_map import MapRows
    from bdgf.inference.window_step import PROBABILITIES

    names = tuple(f"probability of {name}" for name in target_map.model.classes.names)
    form = replace(_form(target_map, "float32", float("nan")), bands=names, units="1")
    return MapRows(form, lambda: target_map.rows(PROBABILITIES))


def keep_target_set_sizes(target_map: MappedScene) -> MapRows:
    """How many classes each pixel's prediction set holds."""
    from bdgf.datasets.cog_map import MapRows
    from bdgf.inference.window_step import SET_SIZE_MAP

    if target_map.sets is None:
        raise SettingsError("there is no map of set sizes without inference.sets.coverage; set it")
    bands = (set_size_text(target_map.sets.coverage),)
    form = replace(_form(target_map, "uint8", 0), bands=bands)
    return MapRows(form, lambda: target_map.rows(SET_SIZE_MAP))


def _form(target_map: MappedScene, dtype: str, nodata: float) -> MapForm:
    from bdgf.raster.cog import MapForm

    source, model = target_map.source, target_map.model
    tags = {"scene": source.name, "model": model.name, "by": model.scene}
    tags |= {"drawn_by": "fast network"} if target_map.fast else {}
    return MapForm(dtype, source.shape, nodata, source.crs, source.transform, tags=tags)


def score_target(
    target_map: MappedScene, parameters: dict[str, Any]
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Scores the map on all labelled pixels of the target that have data.

    Args:
        target_map: The map of a target with labels.
        parameters: The group `evaluation`.

    Returns:
        The metrics of `evaluate`, with `transfer`; one row per class; the confusion
        matrix.

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
        *(found[has_data], truth[has_data], model.classes),
        *(EvaluationSettings(**parameters), target_map.sets),
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
        **facts_of(
            model.classifier,
            ", ".join(target_map.hidden),
            fast_report(target_map),
        ),
        "transfer": {"from": model.scene, "to": target_map.source.name},
    }
    return metrics, per_class_table(metrics), confusion_table(metrics)


def fast_report(target_map: MappedScene) -> dict[str, Any] | None:
    """What the fast network tells of itself, where it drew the map."""
    fast = target_map.model.fast
    return fast.report if target_map.fast and fast is not None else None


def write_target_report(
    target_map: MappedScene, parameters: dict[str, Any], run_record: RunRecord
) -> str:
    """The map's report as one HTML file.

    Args:
        target_map: The map; it is scored where its labels did not teach the model.
        parameters: The group `evaluation`.
        run_record: What is known of the run.
    """
    from bdgf.evaluation.ground import metres_per_pixel
    from bdgf.evaluation.report_page.images import MOST_PIXELS, thinning
    from bdgf.evaluation.report_page.map_report import map_report
    from bdgf.evaluation.report_page.map_result import MapResult, place_text
    from bdgf.evaluation.report_page.page import render
    from bdgf.evaluation.report_page.scene_images import scene_images
    from bdgf.framework.run_record import unused_groups
    from bdgf.inference.fast.model import drawn_fast
    from bdgf.inference.window_step import CLASS_MAP, SET_SIZE_MAP, UNCERTAINTY_MAP

    model, source = target_map.model, target_map.source
    classes, crs, transform = model.classes, source.crs, source.transform
    config = model.classifier.config
    pixels, areas = _counted(target_map)
    labelled = target_map.labelled if source.name != model.scene else None
    step = thinning(source.shape)
    hidden = f" Without {', '.join(target_map.hidden)}." if target_map.hidden else ""
    fast = fast_report(target_map)
    class_map = target_map.overview(CLASS_MAP, MOST_PIXELS)
    labels = None if labelled is None else labelled.labels[::step, ::step]
    result = MapResult(
        scene=source.name,
        model=model.name,
        lead=f"Mapped by the model {model.name} of scene {model.scene}, seed {config['seed']}."
        f"{hidden}{f' {drawn_fast(fast)}' if fast else ''}",
        shape=source.shape,
        step=step,
        classes=classes,
        class_map=class_map,
        uncertainty=target_map.overview(UNCERTAINTY_MAP, MOST_PIXELS),
        pixels=pixels,
        areas=areas,
        metres=metres_per_pixel(source.shape, crs, transform),
        place=place_text(source.shape, crs, transform),
        images=scene_images(source, step),
        labels=labels,
        sets=target_map.sets,
        set_sizes=target_map.overview(SET_SIZE_MAP, MOST_PIXELS) if target_map.sets else None,
        scored=None if labels is None else class_map > 0,
        metrics=None if labelled is None else score_target(target_map, parameters)[0],
        facts=run_record.facts(unused_groups(config), **{"digest of the model": model.digest}),
    )
    return render(map_report(result))


def _counted(target_map: MappedScene) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels and hectares of each class, some rows at a time."""
    import numpy as np
    from affine import Affine

    from bdgf.evaluation.ground import class_areas
    from bdgf.inference.window_step import CLASS_MAP

    source, count = target_map.source, target_map.model.classes.count
    pixels, areas = np.zeros(count, np.int64), []
    for part, values in target_map.rows(CLASS_MAP):
        pixels += np.bincount(values.ravel(), minlength=count + 1)[1:]
        place = source.transform
        below = None if place is None else place @ Affine.translation(0, part.start)
        areas.append(class_areas(values[0], count, source.crs, below))
    known = [area for area in areas if area is not None]
    return pixels, np.sum(known, axis=0) if len(known) == len(areas) else None
