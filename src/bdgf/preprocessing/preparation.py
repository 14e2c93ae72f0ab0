"""Preparation: a scene's modalities become standardised channels, and so does any later raster.

Statistics come from the pixels of one scene, of each modality where it has data, without labels,
are stored with the model and never refitted (`modality_transform` says what is done, step by step).
Where a modality is missing its channels are 0, the mean of what the statistics come from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr

from bdgf.core.errors import SceneError, artifact_errors
from bdgf.core.weights import Weights
from bdgf.preprocessing.modality_transform import (
    BandStatistics,
    ModalityTransform,
    fit_modality,
    to_channels,
)
from bdgf.preprocessing.pixel_chunks import pixel_chunks
from bdgf.preprocessing.power import BandPowers
from bdgf.preprocessing.prepared_channels import AVERAGES, COMPONENTS
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.raster.streamed import Part, StreamedDataset, hollow
from bdgf.scenes.mask_variables import mask_variables
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.scene import carried_over, check_scene, modality_names, valid_mask
from bdgf.scenes.scene_windows import ModalityForm

_POWERS = "powers."


@dataclass(frozen=True)
class Preparation:
    """A fitted preparation.

    Attributes:
        settings: What it was fitted with.
        modalities: The transform of each modality, in the scene's order.
    """

    settings: PreparationSettings
    modalities: dict[str, ModalityTransform]

    @property
    def channels(self) -> dict[str, int]:
        """Channels of each modality after preparation, in order."""
        return {name: transform.channels for name, transform in self.modalities.items()}

    @property
    def forms(self) -> dict[str, ModalityForm]:
        """What the numbers of each modality have to be before preparation, in order."""
        return {
            name: ModalityForm(t.kind, t.units, t.scale, t.bands)
            for name, t in self.modalities.items()
        }

    def apply(self, scene: xr.Dataset, *, may_lack: bool = False) -> xr.Dataset:
        """Prepares a scene with the stored transform.

        Args:
            scene: A scene whose modalities are those of the fit; labels are not needed.
            may_lack: Whether it may lack some of them: they are then missing everywhere.

        Returns:
            The prepared scene: (band_<m>, y, x) float32 a modality, 0 where it has no data; masks,
            maps, georeference and attributes carried over.

        Raises:
            SceneError: The modalities or their bands are not those of the fit.
        """
        return self.streamed(self._completed(scene) if may_lack else scene).load()

    def streamed(self, scene: xr.Dataset) -> StreamedDataset:
        """The prepared scene, made some rows at a time: for one that does not fit into memory.

        Args and errors are those of `apply`; a scene that is read lazily stays where it is.
        """
        self._check(scene)
        size = (scene.sizes["y"], scene.sizes["x"])
        forms: dict[str, Any] = {}
        for name, transform in self.modalities.items():
            attributes: dict[str, Any] = {"kind": transform.kind, "units": "1", "scale": "linear"}
            if transform.components is not None:
                attributes["channels"] = COMPONENTS
            if transform.averages:
                attributes[AVERAGES] = transform.averages
            dims = (f"band_{name}", "y", "x")
            forms[name] = hollow(dims, (transform.channels, *size), "float32", attributes)
        return StreamedDataset(forms, lambda: self._parts(scene), lambda: carried_over(scene))

    def _parts(self, scene: xr.Dataset) -> Iterator[Part]:
        for name, transform in self.modalities.items():
            mask = modality_mask(scene, name)
            for rows, pixels in pixel_chunks(scene[name], mask):
                values = to_channels(pixels, transform, self.settings)  # (N, C)
                channels = np.zeros((transform.channels, *mask[rows].shape), np.float32)
                channels[:, mask[rows]] = values.T
                yield Part(name, (slice(None), rows, slice(None)), channels)

    def adapted(self, bands: Mapping[str, BandStatistics]) -> Preparation:
        """The same preparation for a raster whose bands are distributed otherwise.

        Each value gets the mean and the standard deviation that it had in the scene of the fit. A
        band with a power keeps it, about the median and the spread of the other raster.
        That helps where light, season or sensor shift all of a band, and harms where the land is
        another: a raster of water alone is not a scene of water and fields.

        Args:
            bands: By modality; those that are not there stay as they are.
        """
        adapted = dict(self.modalities)
        for name, (mean, sigma, powers) in bands.items():
            transform = self.modalities[name]
            spread = transform.band_sigma * (1.0 if transform.gain is None else transform.gain)
            varies = (sigma > 0) & (spread > 0)
            gain = np.where(varies, spread / np.where(varies, sigma, 1), 1.0)
            adapted[name] = replace(
                transform, band_mean=mean, band_sigma=sigma, gain=gain, powers=powers
            )
        return Preparation(self.settings, adapted)

    def to_weights(self) -> Weights:
        """The transform as float64 tensors, and what they belong to as configuration."""
        tensors, modalities = {}, []
        for name, transform in self.modalities.items():
            for key in ("band_mean", "band_sigma", "center", "channel_sigma", "components"):
                if (array := getattr(transform, key)) is not None:
                    tensors[f"{name}.{key}"] = torch.from_numpy(array)
            if transform.powers is not None:
                for key, array in vars(transform.powers).items():
                    tensors[f"{name}.{_POWERS}{key}"] = torch.from_numpy(array)
            kept = ("kind", "scale", "units", "least_brightness", "averages")
            entry = {"name": name} | {key: getattr(transform, key) for key in kept}
            modalities.append(entry)
        settings = self.settings.model_dump(mode="json")
        return Weights(tensors, {"settings": settings, "modalities": modalities})

    @classmethod
    def from_weights(cls, weights: Weights) -> Preparation:
        """Rebuilds what `to_weights` gave.

        Raises:
            ArtifactError: The weights are not those of a preparation.
        """
        remedy = "run `kedro run --pipeline=prepare` again"
        with artifact_errors("the stored preparation", remedy):
            modalities = {}
            for entry in weights.config["modalities"]:
                prefix = f"{entry['name']}."
                arrays = {
                    key.removeprefix(prefix): tensor.numpy()
                    for key, tensor in weights.tensors.items()
                    if key.startswith(prefix)
                }
                modalities[entry["name"]] = ModalityTransform(
                    kind=entry["kind"],
                    scale=entry["scale"],
                    band_mean=arrays["band_mean"],
                    band_sigma=arrays["band_sigma"],
                    center=arrays["center"],
                    components=arrays.get("components"),
                    channel_sigma=arrays["channel_sigma"],
                    least_brightness=entry["least_brightness"],
                    units=entry.get("units", ""),
                    averages=entry.get("averages", 0),
                    powers=_stored_powers(arrays),
                )
            settings = PreparationSettings(**weights.config["settings"])
        return cls(settings, modalities)

    def _completed(self, scene: xr.Dataset) -> xr.Dataset:
        """The scene with the modalities that it lacks, all masked."""
        there = modality_names(scene)
        lacking = [name for name in self.modalities if name not in there]
        if not lacking or len(lacking) == len(self.modalities):
            return scene
        size = (scene.sizes["y"], scene.sizes["x"])
        masks = {name: modality_mask(scene, name) for name in there}
        masks |= dict.fromkeys(lacking, np.zeros(size, bool))
        added: dict[str, Any] = mask_variables(masks, valid_mask(scene))
        for name in lacking:
            transform = self.modalities[name]
            values = np.broadcast_to(np.float32(0), (*size, transform.bands))  # takes no memory
            attributes = {"kind": transform.kind, "units": "", "scale": transform.scale}
            added[name] = (("y", "x", f"band_{name}"), values, attributes)
        unknown = [name for name in there if name not in self.modalities]  # refused later
        names = json.dumps([*self.modalities, *unknown])
        return scene.assign(added).assign_attrs(modalities=names)

    def _check(self, scene: xr.Dataset) -> None:
        names, fitted = modality_names(scene), list(self.modalities)
        if names != fitted:
            raise SceneError(
                f"the scene has the modalities {', '.join(names)}, but the model was prepared "
                f"with {', '.join(fitted)}; give the same, in any file order"
            )
        for name, transform in self.modalities.items():
            bands = scene[name].sizes[f"band_{name}"]
            if bands != transform.bands:
                raise SceneError(
                    f"modality {name} has {bands} bands, but the model was prepared with "
                    f"{transform.bands}; give the same bands"
                )
            if scene[name].attrs.get("scale", "linear") != transform.scale:
                raise SceneError(
                    f"modality {name} has the scale {scene[name].attrs['scale']}, but the model "
                    f"was prepared with {transform.scale}; correct the scene's configuration"
                )


def _stored_powers(arrays: Mapping[str, np.ndarray]) -> BandPowers | None:
    found = {
        key.removeprefix(_POWERS): array for key, array in arrays.items() if key.startswith(_POWERS)
    }
    return BandPowers(**found) if found else None


def fit_preparation(scene: xr.Dataset, settings: PreparationSettings) -> Preparation:
    """Fits the transform of each modality where it has data; labels are not looked at.

    The sums are exact, in float64, over chunks of rows: memory stays bounded for large scenes.

    Args:
        scene: The scene.
        settings: What to do.

    Raises:
        SceneError: The scene is not one, or a modality has data nowhere.
    """
    check_scene(scene)
    transforms = {}
    for name in modality_names(scene):
        mask = modality_mask(scene, name)
        if not mask.any():
            raise SceneError(
                f"modality {name} has no data on any pixel of the scene; correct its nodata values "
                "or leave it out"
            )
        transforms[name] = fit_modality(scene[name], mask, settings)
    return Preparation(settings, transforms)
