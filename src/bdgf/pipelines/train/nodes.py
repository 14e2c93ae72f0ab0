"""A PreparedScene, its Split and, if the model needs them, features become a Classifier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bdgf.core.errors import MissingArtifactError
from bdgf.framework.mlflow_logger import MlflowMetricLogger, logged_seconds
from bdgf.models.registry import model_entry

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.core.weights import Weights
    from bdgf.features.cube import FeatureCube
    from bdgf.inference.map_model import MapModel
    from bdgf.models.base import TrainedModel


KEPT_CHECKPOINTS = 24
"""Of a scene, how many running checkpoints of trainings that nobody goes on with stay."""


def train_classifier(
    prepared_scene: xr.Dataset,
    split: xr.DataArray,
    model: str,
    parameters: dict[str, Any],
    baselines: dict[str, Any],
    devices: dict[str, Any],
    working_folder: str,
    dataset: str,
    seed: int,
    feature_cube: FeatureCube | None = None,
) -> TrainedModel:
    """Trains a model on the training pixels; selections use validation pixels only.

    Args:
        prepared_scene: The prepared scene.
        split: Which pixels train, validate and test.
        model: The model's name.
        parameters: The group `train`.
        baselines: The group `baselines`.
        devices: The group `devices`.
        working_folder: Where the running checkpoints are kept, one folder per scene.
        dataset: The scene's name.
        seed: Seed of every draw.
        feature_cube: The scene's diffusion features, for the models that use them.

    Returns:
        The classifier, with what it was made from.

    Raises:
        MissingArtifactError: The model needs features and there are none.
    """
    from bdgf.core.artifact_cache import ArtifactCache
    from bdgf.core.fingerprint import fingerprint
    from bdgf.models.base import Execution, SceneInputs, reads_features
    from bdgf.models.bdgf.settings import TrainSettings
    from bdgf.training.devices import DeviceSettings

    entry = model_entry(model)
    if entry.uses_features and feature_cube is None:
        raise MissingArtifactError(
            f"model '{model}' needs diffusion features; run: "
            f"kedro run --pipeline=train --params dataset={dataset},model={model}"
        )
    chosen, cube = entry.model(), feature_cube if entry.uses_features else None
    own = chosen.settings.model_validate(baselines[model]) if chosen.settings else None
    with logged_seconds("fit"):
        trained = chosen.fit(
            SceneInputs(prepared_scene, cube),
            split,
            TrainSettings.model_validate(parameters),
            own,
            seed,
            Execution(
                DeviceSettings.model_validate(devices),
                MlflowMetricLogger(),
                ArtifactCache(Path(working_folder) / dataset / "trainings", KEPT_CHECKPOINTS),
            ),
        )
    return trained.with_config(
        {
            "scene": dataset,
            "split": {"name": split.attrs["name"], "seed": split.attrs["seed"]},
            "split_fingerprint": fingerprint(split.to_numpy()),
            "feature_fingerprint": cube.fingerprint if cube and reads_features(trained) else None,
        }
    )


def assemble_map_model(
    prepared_scene: xr.Dataset,
    preparation: Weights,
    classifier: TrainedModel,
    features: dict[str, Any],
    denoiser: Weights | None = None,
    feature_cube: FeatureCube | None = None,
    fast: bool = False,
    distil: dict[str, Any] | None = None,
    devices: dict[str, Any] | None = None,
    seed: int = 0,
) -> MapModel:
    """Assembles everything needed to map another scene.

    Args:
        prepared_scene: The prepared scene, for its classes and to distil the fast network on.
        preparation: What prepared it.
        classifier: The classifier.
        features: The group `features`.
        denoiser: The denoiser, for a classifier that uses its features.
        feature_cube: The features that the classifier was trained on, likewise.
        fast: Whether a fast network is distilled.
        distil: The group `distil`.
        devices: The group `devices`.
        seed: Seed of every draw.

    Raises:
        SettingsError: No fast network can be distilled from a model of external features.
        SceneError: The scene is too small for a fast network.
    """
    from bdgf.core.software_versions import software_versions
    from bdgf.features.extraction import FeatureSettings
    from bdgf.inference.fast.settings import DistilSettings
    from bdgf.inference.fast.teacher import Teacher
    from bdgf.inference.map_model import MapModel
    from bdgf.inference.window_step import Guidance
    from bdgf.preprocessing.preparation import Preparation
    from bdgf.scenes.scene import class_table
    from bdgf.training.devices import DeviceSettings

    config = classifier.config
    kept = ("scene", "seed", "split", "split_fingerprint", "feature_fingerprint")
    card = {name: config[name] for name in kept} | {"versions": software_versions()}
    settings, guidance = FeatureSettings.model_validate(features), None
    uses_features = config["feature_fingerprint"] is not None
    # Features from elsewhere are of this scene alone: nothing here makes those of another.
    if uses_features and settings.external is None and denoiser is not None and feature_cube:
        guidance = Guidance(
            denoiser,
            settings,
            tuple(feature_cube.levels),
            feature_cube.normalisation(),
        )
    model = MapModel(
        Preparation.from_weights(preparation),
        classifier,
        class_table(prepared_scene),
        guidance,
        card,
    )
    if not fast:
        return model
    cube = feature_cube if uses_features else None
    teacher = Teacher.of_prepared(
        prepared_scene, classifier, guidance, cube, DeviceSettings.model_validate(devices or {})
    )
    with logged_seconds("distil"):
        return model.taught_by(
            teacher, DistilSettings.model_validate(distil or {}), seed, MlflowMetricLogger()
        )
