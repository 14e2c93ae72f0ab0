"""Feature cubes that are extracted once and shared by all runs with the same settings."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.errors import ArtifactError
from bdgf.core.weights import Weights
from bdgf.features.cube import FeatureCube
from bdgf.features.extraction import FeatureExtraction, FeatureSettings
from bdgf.training.devices import DeviceSettings, make_fabric
from bdgf.training.progress import ProgressBar

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger(__name__)


class CachedCube(NamedTuple):
    """A complete cube, and whether an earlier run extracted it."""

    cube: FeatureCube
    reused: bool


def cached_feature_cube(
    weights: Weights,
    prepared: xr.Dataset,
    settings: FeatureSettings,
    cache: ArtifactCache,
    *,
    devices: DeviceSettings | None = None,
) -> CachedCube:
    """The cube of `extract_features`, from the cache if it exists.

    Args:
        weights: The pretrained denoiser, as `pretrain` gave it.
        prepared: The prepared scene.
        settings: Which features.
        cache: Keeps cubes, and those that are not complete yet.
        devices: Device and precision.
    """
    extraction = FeatureExtraction(weights, prepared, settings, fabric=make_fabric(devices))
    with cache.claim(extraction.fingerprint) as place:
        path = place.with_suffix(".h5")
        if path.exists() and _is_whole(path, extraction.fingerprint):
            log.info("reusing the feature cube %s", extraction.fingerprint)
            return CachedCube(FeatureCube(path), reused=True)
        with ProgressBar("extracting diffusion features", 1, unit="tiles") as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done)

            return CachedCube(extraction.run(path, show), reused=False)


def _is_whole(path: Path, fingerprint: str) -> bool:
    try:
        return FeatureCube(path, remedy="it is extracted again").fingerprint == fingerprint
    except ArtifactError as error:
        log.warning("%s", error)
        return False
