"""A model fitted to a scene in one call, without Kedro: `bdgf.fit`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.errors import SettingsError
from bdgf.core.fingerprint import fingerprint
from bdgf.core.software_versions import software_versions
from bdgf.diffusion.pretraining.cached import cached_denoiser
from bdgf.diffusion.pretraining.further_scenes import further_scene
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.features.cached import cached_feature_cube
from bdgf.features.cube import FeatureCube
from bdgf.features.extraction import FeatureSettings
from bdgf.inference.fast.settings import DistilSettings
from bdgf.inference.fast.teacher import Teacher
from bdgf.inference.map_model import MapModel
from bdgf.inference.window_step import Guidance
from bdgf.models.base import Execution, SceneInputs, reads_features
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.registry import model_entry
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import class_table
from bdgf.scenes.scene_windows import DatasetWindows
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from bdgf.training.devices import DeviceSettings

_KEPT = 2


def fit(
    scene: xr.Dataset,
    split: str | xr.DataArray | SplitSettings = "auto",
    model: str = "bdgf",
    *,
    seed: int = 0,
    preparation: PreparationSettings | None = None,
    pretrain: PretrainSettings | None = None,
    features: FeatureSettings | None = None,
    train: TrainSettings | None = None,
    own: Any = None,
    devices: DeviceSettings | None = None,
    folder: Path | None = None,
    pretrain_on: Sequence[xr.Dataset] = (),
    distil: DistilSettings | None = None,
) -> MapModel:
    """Prepares a scene, pretrains where the model asks for features, and trains.

    The same steps with the same settings as `kedro run --pipeline=train`, without its catalog and
    its tracking.

    Args:
        scene: The scene (`bdgf.scenes.scene`).
        split: Which pixels train: a rule's name, its settings, or a split that is made already.
        model: The model's name in the registry.
        seed: Seed of all that is drawn.
        preparation: How the scene is prepared; None takes the defaults, here and below.
        pretrain: How the denoiser is pretrained.
        features: Which diffusion features are taken.
        train: How networks are trained.
        own: The model's own settings, an instance of what its `settings` names.
        devices: Where to compute.
        folder: Keeps denoisers and feature cubes for later calls; None keeps them for this one.
        pretrain_on: More scenes that the denoiser is pretrained on, labelled or not; here are the
            scenes themselves, so that `pretrain.scenes`, the names of scenes, stays empty.
        distil: How a fast network is distilled from the model; None distils none.

    Raises:
        SettingsError: There is no such model or split, or `pretrain.scenes` names scenes.
        SceneError: The scene cannot be split so, or has no labels.
    """
    if pretrain is not None and pretrain.scenes:
        raise SettingsError(
            f"pretrain.scenes names {', '.join(pretrain.scenes)}, which only `kedro run` knows; "
            "give the scenes themselves: bdgf.fit(..., pretrain_on=[...])"
        )
    entry = model_entry(model)
    chosen = entry.model()
    train = train or TrainSettings()
    if isinstance(split, str):
        split = SplitSettings.model_validate({"name": split})
    if isinstance(split, SplitSettings):
        split = make_split(scene, split, seed, train.classifier.patch // 2)
    prepare = fit_preparation(scene, preparation or PreparationSettings())
    prepared = prepare.apply(scene)
    with tempfile.TemporaryDirectory(prefix="bdgf-fit-") as temporary:
        place = Path(folder) if folder is not None else Path(temporary)
        cube, guidance = None, None
        if entry.uses_features:
            wanted = features or FeatureSettings()
            denoiser = cached_denoiser(
                *(prepared, pretrain or PretrainSettings(), seed),
                ArtifactCache(place / "denoisers", _KEPT),
                devices=devices,
                others=[
                    further_scene(DatasetWindows(other), prepare, str(scene.attrs.get("scene", "")))
                    for other in pretrain_on
                ],
            ).weights
            cubes = ArtifactCache(place / "feature_cubes", _KEPT)
            cube = cached_feature_cube(denoiser, prepared, wanted, cubes, devices=devices).cube
            guidance = Guidance(denoiser, wanted, tuple(cube.levels), cube.normalisation())
        if own is None and chosen.settings is not None:
            own = chosen.settings()
        trained = chosen.fit(
            SceneInputs(prepared, cube), split, train, own, seed, Execution(devices)
        )
        if not reads_features(trained):
            cube, guidance = None, None
        card = _card(scene, split, seed, cube)
        classifier = trained.with_config(card)
        card = {**card, "versions": software_versions()}
        fitted = MapModel(prepare, classifier, class_table(scene), guidance, card)
        if distil is None:
            return fitted
        teacher = Teacher.of_prepared(prepared, classifier, guidance, cube, devices)
        return fitted.taught_by(teacher, distil, seed)


def _card(
    scene: xr.Dataset, split: xr.DataArray, seed: int, cube: FeatureCube | None
) -> dict[str, Any]:
    return {
        "scene": str(scene.attrs.get("scene", "")),
        "seed": seed,
        "split": {"name": split.attrs.get("name", ""), "seed": split.attrs.get("seed", seed)},
        "split_fingerprint": fingerprint(split.to_numpy()),
        "feature_fingerprint": cube.fingerprint if cube else None,
    }
