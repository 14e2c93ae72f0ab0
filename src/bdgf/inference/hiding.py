"""A scene with some modalities hidden from the model, to test how much it depends on each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import xarray as xr

from bdgf.core.errors import SettingsError
from bdgf.core.weights import Weights
from bdgf.features.cube import FeatureCube
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.models.base import SceneInputs
from bdgf.scenes.masks import hide_modalities
from bdgf.training.devices import DeviceSettings, make_fabric


@contextmanager
def without_modalities(
    inputs: SceneInputs,
    hidden: Collection[str],
    denoiser: Weights | None,
    features: FeatureSettings,
    folder: Path,
    devices: DeviceSettings | None = None,
) -> Iterator[SceneInputs]:
    """Hides modalities from a model, and from the denoiser whose features it uses.

    The normalisation of the denoiser stays frozen to what the features were made with.

    Args:
        inputs: The scene and, for a model that uses them, its diffusion features.
        hidden: Names of the modalities; none gives the inputs themselves.
        denoiser: What the features were made with; a model without features needs none.
        features: How they were made.
        folder: Where the features without the modalities are kept until the end.
        devices: Device and precision.

    Yields:
        The scene with the modalities 0 and masked everywhere, and its features.

    Raises:
        SettingsError: There is no such modality, none would be left, or the features were not made
            here.
    """
    if not hidden:
        yield inputs
        return
    prepared = hide_modalities(inputs.prepared, hidden)
    asked = "inference.hide"
    with of_changed_scene(inputs, prepared, denoiser, features, folder, devices, asked) as seen:
        yield seen


@contextmanager
def of_changed_scene(
    inputs: SceneInputs,
    prepared: xr.Dataset,
    denoiser: Weights | None,
    features: FeatureSettings,
    folder: Path,
    devices: DeviceSettings | None,
    asked: str,
) -> Iterator[SceneInputs]:
    """What a model sees of a scene whose channels or masks changed: features are made anew.

    Args:
        inputs: The scene and, for a model that uses them, its diffusion features.
        prepared: The changed scene.
        denoiser: What the features were made with; a model without features needs none.
        features: How they were made.
        folder: Where the features of the changed scene are kept until the end.
        devices: Device and precision.
        asked: The setting that asks for it, for a refusal.

    Yields:
        The changed scene and its features, under the normalisation of those before.

    Raises:
        SettingsError: The features were not made here.
    """
    cube = inputs.cube
    if cube is None:
        yield replace(inputs, prepared=prepared)
        return
    if denoiser is None or features.external is not None or not isinstance(cube, FeatureCube):
        raise SettingsError(
            f"{asked} asks for features of a changed scene, and external features "
            "(features.external) cannot be made again; leave one of the two out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as temporary:
        less = extract_features(
            denoiser,
            prepared,
            features,
            Path(temporary) / "changed.h5",
            fabric=make_fabric(devices),
            normalisation=cube.normalisation(),
        )
        yield replace(inputs, prepared=prepared, cube=less)
