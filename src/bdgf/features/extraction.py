"""Dense extraction of diffusion features: decoder activations of every pixel of a scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from bdgf.core.errors import SceneError, SettingsError
from bdgf.core.fingerprint import fingerprint
from bdgf.core.machine_memory import GIB
from bdgf.core.settings import MAIN, Settings, searched_among
from bdgf.core.weights import Weights
from bdgf.diffusion.schedule import NoiseSchedule, ScheduleSettings
from bdgf.diffusion.unet import Denoiser, load_denoiser
from bdgf.features.block_extractor import TileExtractor
from bdgf.features.cube import FeatureCube
from bdgf.features.cube_writer import CubeLayout, FeatureCubeWriter
from bdgf.features.memory import ExtractionMemory
from bdgf.features.noise_field import NoiseField
from bdgf.raster.blocks import FeatureTile, calibration_regions, cut, tile_side
from bdgf.raster.windows import round_up, row_bands
from bdgf.scenes.masks import modality_masks
from bdgf.scenes.scene import modality_names, valid_mask
from bdgf.training.devices import arithmetic

if TYPE_CHECKING:
    import xarray as xr
    from lightning_fabric import Fabric

HASHED_ROWS = 256
"""Rows of the scene that are read at once for its fingerprint."""


class FeatureSettings(Settings):
    """Selection of features, and tiling of the scene. Chosen by this project, not the paper."""

    external: str | None = Field(
        None,
        description="Path of your own feature cube; null extracts the denoiser's features.",
    )
    timesteps: tuple[int, ...] = Field(
        (50, 100, 200),
        min_length=1,
        description="Diffusion steps t at which features are extracted.",
        json_schema_extra=MAIN
        | searched_among([50], [100], [200], [50, 100, 200], [10, 50, 100, 200, 400]),
    )
    levels: Literal["all"] | tuple[int, ...] = Field(
        "all",
        description="Decoder levels, 0 is the finest; `all` uses all of them.",
        json_schema_extra=MAIN | searched_among("all", [0], [0, 1]),
    )
    noise: float = Field(
        0.0, ge=0, le=1, description="Share of a step's noise that is added to the scene."
    )
    noise_seed: int = Field(0, ge=0, description="Seed of the scene's noise field.")
    tile: Literal["auto"] | Annotated[int, Field(gt=0)] = Field(
        "auto", description="Side of a tile in pixels; `auto`: as large as the memory allows."
    )
    halo: int = Field(
        64, ge=0, description="Margin in pixels that is computed around each tile and discarded."
    )
    calibration_pixels: int = Field(
        200_000, gt=0, description="Maximum number of pixels used to fit the frozen normalisation."
    )
    memory_gib: float = Field(
        1.0, gt=0, description="Memory in GiB that `tile: auto` may use for activations."
    )


class FeatureExtraction:
    """The extraction of one scene's features: planned, identified by a fingerprint, then run.

    Attributes:
        fingerprint: Digest of the weights, the scene and all settings that decide the features.
    """

    def __init__(
        self,
        weights: Weights,
        prepared: xr.Dataset,
        settings: FeatureSettings,
        *,
        fabric: Fabric,
        normalisation: np.ndarray | None = None,
        visible: Sequence[str] | None = None,
    ) -> None:
        """Plans the extraction; reads only the scene's digest.

        Args:
            weights: The pretrained denoiser.
            prepared: The prepared scene that it was trained on, or one prepared alike.
            settings: Which features.
            fabric: Device and precision.
            normalisation: Frozen statistics of the denoiser's normalisation, from the cube of the
                scene that a classifier was trained on; None takes those of `prepared`.
            visible: Modalities that the denoiser sees; None shows it all of them.

        Raises:
            ArtifactError: The weights are not a denoiser's.
            SceneError: The scene's modalities are not those that the denoiser knows.
            SettingsError: A timestep, level or visible modality is not there.
        """
        self._denoiser = denoiser = load_denoiser(weights, fabric.device)
        self._schedule = NoiseSchedule(
            ScheduleSettings.model_validate(weights.config["settings"]["schedule"]), fabric.device
        )
        _check_modalities(denoiser, prepared)
        _check_visible(denoiser, visible)
        self._prepared, self._settings, self._fabric = prepared, settings, fabric
        self._normalisation, self._visible = normalisation, visible
        self._shape = (prepared.sizes["y"], prepared.sizes["x"])
        self._plan = _plan(settings, denoiser, self._schedule, self._shape)
        given = None if normalisation is None else fingerprint(normalisation)
        decisive = [*self._plan.decisive, given]
        if visible is not None and set(visible) != set(denoiser.modalities):
            decisive.append(sorted(visible))
        self.fingerprint = _fingerprint(weights, prepared, decisive, fabric)

    def run(self, path: Path, progress: Callable[[int, int], None] | None = None) -> FeatureCube:
        """Computes the features of the whole scene once, tile by tile.

        Killed and started again it continues with the next tile. The memory held does not grow
        with the scene where it is read lazily.

        Args:
            path: The cube's file; what is there is replaced.
            progress: Called with the tiles done and their number.

        Returns:
            The complete cube at `path`.
        """
        settings, plan, denoiser = self._settings, self._plan, self._denoiser
        layout = CubeLayout(
            fingerprint=self.fingerprint,
            scene=str(self._prepared.attrs.get("scene", "")),
            shape=self._shape,
            timesteps=settings.timesteps,
            channels={lv: len(settings.timesteps) * denoiser.widths[lv] for lv in plan.levels},
            tiles=len(plan.tiles),
        )
        extractor = TileExtractor(
            denoiser,
            self._schedule,
            self._prepared,
            settings.timesteps,
            plan.levels,
            NoiseField(sum(denoiser.modalities.values()), settings.noise_seed, settings.noise),
            self._fabric,
            visible=self._visible,
        )
        writer = FeatureCubeWriter(path, layout)
        frozen = writer.normalisation
        if frozen is None:
            given = self._normalisation
            frozen = extractor.calibrate(plan.regions) if given is None else given
            writer.write_normalisation(frozen)
        for number, tile in enumerate(plan.tiles):
            if not writer.done[number]:
                corner = (tile.rows.start, tile.columns.start)
                writer.write(number, corner, *extractor.features(tile, frozen))
            if progress:
                progress(number + 1, len(plan.tiles))
        writer.finish()
        return FeatureCube(path)


def extract_features(
    weights: Weights,
    prepared: xr.Dataset,
    settings: FeatureSettings,
    path: Path,
    *,
    fabric: Fabric,
    normalisation: np.ndarray | None = None,
    visible: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FeatureCube:
    """Computes the features of the whole scene: plans a `FeatureExtraction` and runs it."""
    extraction = FeatureExtraction(
        weights, prepared, settings, fabric=fabric, normalisation=normalisation, visible=visible
    )
    return extraction.run(path, progress)


@dataclass(frozen=True)
class _Plan:
    """Plan of the computation: levels, tiles, and regions to measure the normalisation."""

    levels: list[int]
    tiles: list[FeatureTile]
    regions: list[tuple[slice, slice]]
    decisive: list[Any]


def _plan(
    settings: FeatureSettings, denoiser: Denoiser, schedule: NoiseSchedule, shape: tuple[int, int]
) -> _Plan:
    levels = _wanted_levels(settings, denoiser, schedule)
    memory = ExtractionMemory(denoiser, levels, len(settings.timesteps))
    allowed = settings.memory_gib * GIB
    pixels = allowed / memory.per_pixel
    halo = round_up(settings.halo, denoiser.tile)
    largest = memory.block_side(allowed, halo=halo)
    side = tile_side(settings.tile, shape, denoiser.tile, pixels, largest)
    # Calibration keeps more of each pixel at once.
    measured = min(settings.calibration_pixels, pixels / 2)
    regions = calibration_regions(shape, denoiser.tile, measured)
    bounds = [(rows.start, rows.stop, columns.start, columns.stop) for rows, columns in regions]
    # Without noise its seed decides nothing.
    noise = (settings.noise, settings.noise_seed if settings.noise else None)
    return _Plan(
        levels,
        list(cut(shape, side, settings.halo, denoiser.tile)),
        regions,
        [list(settings.timesteps), levels, *noise, side, settings.halo, bounds],
    )


def _fingerprint(
    weights: Weights, prepared: xr.Dataset, decisive: list[Any], fabric: Fabric
) -> str:
    # The scene is hashed some rows at a time: it may not fit into memory.
    parts = (prepared.isel(y=rows) for rows in row_bands(prepared.sizes["y"], HASHED_ROWS))
    digests = []
    for part in parts:
        masks = [] if (present := modality_masks(part)) is None else [present]
        channels = (part[name].to_numpy() for name in modality_names(part))
        digests.append(fingerprint(valid_mask(part), *channels, *masks))
    computed = [type(fabric.strategy.precision).__name__, *arithmetic(fabric.device)]
    return fingerprint(weights.tensors, weights.config["settings"], digests, decisive, computed)


def _check_modalities(denoiser: Denoiser, prepared: xr.Dataset) -> None:
    found = {name: prepared.sizes[f"band_{name}"] for name in modality_names(prepared)}
    if list(found.items()) != list(denoiser.modalities.items()):
        known = ", ".join(f"{name} ({n})" for name, n in denoiser.modalities.items())
        there = ", ".join(f"{name} ({n})" for name, n in found.items())
        raise SceneError(
            f"the denoiser was pretrained on the channels of {known}, the scene has {there}; "
            "run `kedro run --pipeline=pretrain` on this scene"
        )


def _check_visible(denoiser: Denoiser, visible: Sequence[str] | None) -> None:
    if visible is not None and (not visible or set(visible) - set(denoiser.modalities)):
        raise SettingsError(
            f"the denoiser can be shown {', '.join(denoiser.modalities)}, at least one of them; "
            f"not {', '.join(visible) or 'none'}"
        )


def _wanted_levels(
    settings: FeatureSettings, denoiser: Denoiser, schedule: NoiseSchedule
) -> list[int]:
    count = denoiser.settings.levels
    levels = list(range(count)) if settings.levels == "all" else sorted(set(settings.levels))
    if not levels or levels[0] < 0 or levels[-1] >= count:
        raise SettingsError(
            f"features.levels is {settings.levels}; the denoiser has levels 0 to {count - 1}"
        )
    if not all(0 <= t < schedule.steps for t in settings.timesteps):
        raise SettingsError(
            f"features.timesteps is {settings.timesteps}; they must lie in "
            f"0 to {schedule.steps - 1}"
        )
    return levels
