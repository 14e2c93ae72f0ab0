"""A Classifier makes a map, which is scored on the test pixels."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bdgf.core.errors import MissingArtifactError
from bdgf.framework.mlflow_logger import logged_seconds
from bdgf.pipelines.evaluate.damage import (
    DAMAGED,
    changed_inputs,
    damaged_scores,
    with_damaged,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr

    from bdgf.features.cube import FeatureCube
    from bdgf.inference.map_model import MapModel
    from bdgf.inference.settings import InferenceSettings
    from bdgf.models.base import SceneInputs, TrainedModel
    from bdgf.raster.streamed import Part, StreamedDataset
    from bdgf.training.devices import DeviceSettings

log = logging.getLogger(__name__)

PROBABILITIES, VOTES = "probabilities", "votes"


def predict_scene(
    prepared_scene: xr.Dataset,
    map_model: MapModel,
    parameters: dict[str, Any],
    evaluation: dict[str, Any],
    devices: dict[str, Any],
    working_folder: str,
    dataset: str,
    feature_cube: FeatureCube | None = None,
) -> xr.Dataset | StreamedDataset:
    """Classifies every valid pixel of the scene.

    It is what `MapModel.predict` draws of the scene; what was prepared and extracted already is
    not made again.

    Args:
        prepared_scene: The prepared scene.
        map_model: The trained model.
        parameters: The group `inference`.
        evaluation: The group `evaluation`, for maps with one modality spoilt.
        devices: The group `devices`.
        working_folder: Where features without hidden modalities are kept meanwhile, a folder a
            scene.
        dataset: The scene's name.
        feature_cube: The scene's diffusion features, for the models that use them.

    Returns:
        The scene without its modalities, with `probabilities` (class, y, x) float32, and for a
        model of several branches `votes` (branch, y, x) uint8, the class that each says alone; on
        request `damaged` (damage, y, x) uint8, the classes with one modality spoilt. The
        attribute `model` names what drew it, `hidden` which modalities it did not see, `fast` (as
        JSON) how far the fast network agrees with the model, where it drew the map.
        Of a scene that does not fit into memory the probabilities are made while they are written,
        without votes and `damaged`.

    Raises:
        MissingArtifactError: The classifier was trained with other features than these.
        SettingsError: Prediction sets are asked of a model without held-out evidence.
        SettingsError: The fast network is asked for and there is none.
    """
    import numpy as np

    from bdgf.evaluation.report import EvaluationSettings
    from bdgf.features.extraction import FeatureSettings
    from bdgf.features.prepared_window import fits_into_memory
    from bdgf.inference.hiding import without_modalities
    from bdgf.inference.predict import predict_with_votes
    from bdgf.inference.prediction_sets import set_rule, tell_sets
    from bdgf.inference.settings import InferenceSettings
    from bdgf.models.base import SceneInputs
    from bdgf.training.devices import DeviceSettings

    settings = InferenceSettings.model_validate(parameters)
    classifier, guidance = map_model.drawn_by(settings)
    uses_features = classifier.config.get("feature_fingerprint") is not None
    cube = feature_cube if uses_features else None
    if uses_features:
        present = cube.fingerprint if cube else "none"
        _check_origin("feature cube", "feature_fingerprint", present, classifier)
    if (rule := set_rule(map_model.classifier.config, settings)) is not None:
        tell_sets(rule)
    on = DeviceSettings.model_validate(devices)
    damage = EvaluationSettings.model_validate(evaluation).damage
    makes = (
        guidance.denoiser if guidance else None,
        guidance.settings if guidance else FeatureSettings(),
        Path(working_folder) / dataset,
        on,
    )
    hiding = without_modalities(SceneInputs(prepared_scene, cube), settings.hide, *makes)
    told = {"model": classifier.config["model"]}
    told |= {"hidden": ", ".join(settings.hide)} if settings.hide else {}
    if settings.fast and map_model.fast is not None:
        told["fast"] = json.dumps(map_model.fast.report)
    if not fits_into_memory(prepared_scene, cube, on):
        if damage.kinds:
            log.warning("evaluation.damage needs a scene that fits into memory: not scored")
        return _predicted_while_written(classifier, hiding, prepared_scene, settings, on, told)
    with hiding as inputs, logged_seconds("predict"):
        probabilities, votes = predict_with_votes(classifier, inputs, settings, on, shown=True)
        predictions = with_probabilities(inputs.prepared, probabilities)
        if damage.kinds:
            changed = partial(changed_inputs, inputs, makes)
            predictions = with_damaged(
                predictions, classifier, inputs, changed, damage, settings, on
            )
    if votes:
        branches = {"branches": json.dumps(list(votes))}
        said = (("branch", "y", "x"), np.stack(list(votes.values())), branches)
        predictions = predictions.assign({VOTES: said})
    return predictions.assign_attrs(told)


def _predicted_while_written(
    classifier: TrainedModel,
    hiding: AbstractContextManager[SceneInputs],
    prepared_scene: xr.Dataset,
    settings: InferenceSettings,
    devices: DeviceSettings,
    told: dict[str, str],
) -> StreamedDataset:
    """The predictions of a scene that does not fit into memory, computed block by block."""
    from bdgf.inference.prepared_map import predict_blocks
    from bdgf.raster.streamed import Part, StreamedDataset, hollow
    from bdgf.scenes.masks import hide_modalities
    from bdgf.scenes.scene import carried_over

    size = (prepared_scene.sizes["y"], prepared_scene.sizes["x"])
    dims, count = ("class", "y", "x"), int(classifier.config["classes"])

    def parts() -> Iterator[Part]:
        with hiding as inputs, logged_seconds("predict"):
            for window, found in predict_blocks(classifier, inputs, settings, devices):
                yield Part(PROBABILITIES, (slice(None), *window.index), found)

    def rest() -> xr.Dataset:
        return carried_over(hide_modalities(prepared_scene, settings.hide)).assign_attrs(told)

    return StreamedDataset(
        {PROBABILITIES: hollow(dims, (count, *size), "float32", {})}, parts, rest
    )


def with_probabilities(prepared_scene: xr.Dataset, probabilities: np.ndarray) -> xr.Dataset:
    """The scene's masks, maps and georeference with (K, H, W) `probabilities`."""
    from bdgf.scenes.scene import carried_over

    return carried_over(prepared_scene).assign(
        {PROBABILITIES: (("class", "y", "x"), probabilities)}
    )


def score(
    predictions: xr.Dataset,
    split: xr.DataArray,
    classifier: TrainedModel,
    parameters: dict[str, Any],
    inference: dict[str, Any],
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Scores the predictions on the test pixels.

    Args:
        predictions: The predictions.
        split: The split that the classifier was trained on.
        classifier: The trained classifier, for what it was made from.
        parameters: The group `evaluation`.
        inference: The group `inference`, for prediction sets.

    Returns:
        The metrics (those of `evaluate_predictions`, `scene`, `model` and `parameters`, `damaged`
        where maps with a modality spoilt were drawn, and `decision` of a model that joins
        branches), the table of the classes and the confusion
        matrix (rows are the truth). Equal runs give equal ones: wall times are MLflow's.

    Raises:
        MissingArtifactError: The classifier was trained on another split than this.
    """
    from bdgf.core.fingerprint import fingerprint
    from bdgf.evaluation.report import EvaluationSettings, evaluate_predictions
    from bdgf.inference.prediction_sets import set_rule
    from bdgf.inference.settings import InferenceSettings
    from bdgf.scenes.scene import LABELS, class_table, valid_mask

    _check_origin("split", "split_fingerprint", fingerprint(split.to_numpy()), classifier)
    config = classifier.config
    metrics = evaluate_predictions(
        predictions[PROBABILITIES],
        predictions[LABELS].to_numpy(),
        _mapped(split, valid_mask(predictions)),
        class_table(predictions),
        config["patch"],
        config["seed"],
        EvaluationSettings.model_validate(parameters),
        set_rule(config, InferenceSettings.model_validate(inference)),
    )
    if DAMAGED in predictions:
        metrics["damaged"] = damaged_scores(predictions, split)
    told = predictions.attrs
    fast = json.loads(told["fast"]) if "fast" in told else None
    metrics |= {"scene": config["scene"], **facts_of(classifier, told.get("hidden"), fast)}
    return metrics, per_class_table(metrics), confusion_table(metrics)


def draw_maps(predictions: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """The class map and the uncertainty map, on the scene's grid.

    Args:
        predictions: The predictions.

    Returns:
        (y, x) uint8 class ids, 0 = none, with the classes' names and colours; (y, x) float32
        entropy in [0, 1], NaN = none.
    """
    import numpy as np

    from bdgf.evaluation.maps import class_map, entropy_map
    from bdgf.raster.windows import row_bands, rows_within
    from bdgf.scenes.scene import LABELS, class_table, valid_mask

    probabilities, valid = predictions[PROBABILITIES], valid_mask(predictions)
    ids, uncertainty = np.zeros(valid.shape, np.uint8), np.zeros(valid.shape, np.float32)
    for rows in row_bands(valid.shape[0], rows_within(probabilities.shape[0] * valid.shape[1])):
        shares = probabilities[:, rows].to_numpy()
        ids[rows] = class_map(shares, valid[rows])
        uncertainty[rows] = entropy_map(shares, valid[rows])
    classes = class_table(predictions)
    colors = dict(zip(classes.ids, classes.colors, strict=True))
    names = dict(zip(classes.ids, classes.names, strict=True))
    like = predictions[LABELS]
    classes_map = like.copy(data=ids)
    classes_map.attrs = {
        "quantity": "class",
        "colors": colors,
        "classes": names,
        "nodata": 0,
        "scene": predictions.attrs["scene"],
    }
    entropy = like.copy(data=uncertainty)
    entropy.attrs = {
        "quantity": "entropy of the class probabilities divided by log K",
        "units": "1",
    }
    return classes_map.rename("class_map"), entropy.rename("uncertainty_map")


def _check_origin(what: str, key: str, present: str, classifier: TrainedModel) -> None:
    config = classifier.config
    scene, model = config["scene"], config["model"]
    if config[key] != present:
        raise MissingArtifactError(
            f"the {what} of scene '{scene}' is not the one that its latest classifier of model "
            f"'{model}' was trained with ({present}, not {config[key]}); run first: "
            f"kedro run --pipeline=train --params dataset={scene},model={model}"
        )


def _mapped(split: xr.DataArray, valid: np.ndarray) -> xr.DataArray:
    # The split without test pixels on which every modality is hidden.
    import numpy as np

    from bdgf.splits.parts import TEST

    lost = (split.to_numpy() == TEST) & ~valid
    if not lost.any():
        return split
    log.warning("%d test pixels have no data in what is not hidden: not scored", int(lost.sum()))
    return split.copy(data=np.where(lost, 0, split.to_numpy()))


def facts_of(
    classifier: TrainedModel, hidden: str | None, fast: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What a metrics file tells of the model, whatever scene it was scored on.

    Args:
        classifier: The model.
        hidden: The modalities that it did not see; None or empty where it saw all.
        fast: What the fast network tells of itself, where it drew the map.

    Returns:
        `model` and `parameters`; `decision` of a model that joins branches, unless its fast network
        drew the map; `fast` of that; `hidden` if any.
    """
    config = classifier.config
    facts = {"model": config["model"], "parameters": config["parameters"]}
    if fast is not None:
        facts["fast"] = fast
    elif "decision" in config:
        facts["decision"] = config["decision"]
    if hidden:
        facts["hidden"] = hidden
    return facts


def per_class_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row per class: precision, recall, f1, support."""
    import pandas as pd

    table = pd.DataFrame.from_dict(metrics["per_class"], orient="index")
    return table.rename_axis("class").reset_index()


def confusion_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """The confusion matrix, one row per true class."""
    import pandas as pd

    names = list(metrics["per_class"])
    table = pd.DataFrame(metrics["confusion_matrix"], index=names, columns=names)
    return table.rename_axis("true").reset_index()
