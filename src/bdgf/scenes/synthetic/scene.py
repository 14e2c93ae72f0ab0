"""The demo scene: a small landscape fabricated at run time, the same bits everywhere.

No modality suffices by itself: trees, grass and crops share their greenness, bitumen roofs are
asphalt to a spectrometer; heights stand on unlevelled terrain; SAR tells crops from grass and
water from shadow, but through speckle. Neighbouring pixels carry what a single one lacks.
All numbers are chosen here.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from affine import Affine
from pydantic import Field
from scipy.ndimage import gaussian_filter, maximum_filter

from bdgf.core.settings import Settings
from bdgf.scenes.scene import ClassTable, ModalityArray, new_scene
from bdgf.scenes.synthetic import landscape
from bdgf.scenes.synthetic.landscape import Ground, normal, smooth_field

CLASSES = ClassTable.of(
    ["water", "grass", "trees", "crops", "buildings", "roads"],
    ["#2166ac", "#a6d96a", "#1b7837", "#f1b739", "#b2182b", "#6e6e6e"],
)
_CRS = "EPSG:32632"
_ORIGIN = (690_000.0, 5_340_000.0)  # easting and northing of the upper left corner, metres
_PIXEL = 5.0  # metres
_CLUSTER_REACH = 1  # pixels, so that a cluster's pixels touch
# Mean backscatter (linear) of class 0 (none) and the six classes.
_SAR_VV = np.array([0.0, 0.020, 0.045, 0.110, 0.115, 0.300, 0.024])
_SAR_VH = np.array([0.0, 0.004, 0.009, 0.042, 0.032, 0.050, 0.005])


class DemoSettings(Settings):
    """Settings of the demo scene."""

    seed: int = Field(0, ge=0, description="Seed of the landscape, its images and its split.")
    size: int = Field(96, ge=48, le=256, description="Height and width in pixels.")
    bands: int = Field(48, ge=8, description="Spectral bands between 0.4 and 2.4 micrometres.")
    mixing: float = Field(
        0.5, ge=0, description="Blur of the classes' abundances in pixels, for mixed pixels."
    )
    variability: float = Field(
        0.10, ge=0, description="Spread of a material's composition within its class."
    )
    noise: float = Field(0.006, ge=0, description="Reflectance noise of a band.")
    looks: int = Field(
        2, ge=1, description="Looks of the SAR intensities; fewer looks give more speckle."
    )
    terrain: float = Field(4.0, ge=0, description="Relief under the heights, +- metres.")
    train_clusters: int = Field(
        8, ge=2, description="Spatial clusters of official training pixels in each class."
    )
    cluster_pixels: int = Field(
        3, ge=1, description="Maximum number of training pixels per cluster."
    )
    margin: int = Field(
        5,
        ge=0,
        description="Minimum distance between official test and training pixels, exclusive.",
    )
    nodata_corner: int = Field(7, ge=0, description="Legs of the corner without data, in pixels.")


def make_demo_scene(settings: DemoSettings) -> xr.Dataset:
    """Fabricates the demo scene: modalities `optical`, `height` and `sar`, six classes.

    Only the generator's uniform numbers are used and the results are rounded, so that libraries
    which differ in the last bit still give the same scene.

    Returns:
        The scene, every valid pixel labelled, with official training and test maps, in UTM 32N.
    """
    rng = np.random.default_rng(settings.seed)
    shape = (settings.size, settings.size)
    ground = landscape.draw_ground(rng, settings.size)
    terrain = settings.terrain * smooth_field(rng, shape, settings.size / 9)
    abundance = _abundances(ground, settings.mixing)
    optical = _optical(rng, ground, abundance, terrain, settings)
    height = _height(rng, ground, terrain)
    sar = _sar(rng, abundance, settings.looks)
    valid = np.add.outer(np.arange(settings.size), np.arange(settings.size)) >= (
        settings.nodata_corner
    )
    train, test = _official_maps(rng, np.where(valid, ground.classes, 0), settings)
    return new_scene(
        "demo",
        {
            "optical": ModalityArray(optical, "spectral", "reflectance"),
            "height": ModalityArray(height, "auxiliary", "m"),
            "sar": ModalityArray(sar, "auxiliary", "intensity", "log"),
        },
        np.where(valid, ground.classes, 0),
        CLASSES,
        valid=valid,
        official_train=train,
        official_test=test,
        crs=_CRS,
        transform=Affine(_PIXEL, 0.0, _ORIGIN[0], 0.0, -_PIXEL, _ORIGIN[1]),
    )


def _abundances(ground: Ground, sigma: float) -> np.ndarray:
    """(K, H, W) shares of the classes in each pixel: the class map seen through a blur."""
    return np.stack(
        [gaussian_filter((ground.classes == i).astype(float), sigma) for i in CLASSES.ids]
    )


def _endmembers(bands: int) -> dict[str, np.ndarray]:
    """Smooth reflectance spectra (bands,) of the materials."""
    w = np.linspace(0.4, 2.4, bands)  # micrometres

    def bump(centre: float, width: float) -> np.ndarray:
        return np.exp(-(((w - centre) / width) ** 2))

    def step(centre: float, width: float) -> np.ndarray:
        return 1.0 / (1.0 + np.exp((centre - w) / width))

    water_in_leaves = (
        1.0 - 0.55 * bump(1.45, 0.09) - 0.7 * bump(1.94, 0.12) - 0.12 * bump(1.2, 0.06)
    )
    leaves = (0.035 + 0.05 * bump(0.55, 0.04) + 0.43 * step(0.715, 0.02)) * water_in_leaves
    leaves *= 1.0 - 0.55 * step(1.5, 0.12)
    soil = (0.08 + 0.27 * (1.0 - np.exp(-(w - 0.35) / 0.6))) * (1.0 - 0.12 * bump(2.2, 0.06))
    soil *= 1.0 - 0.12 * bump(1.45, 0.08) - 0.2 * bump(1.94, 0.1)
    return {
        "water": 0.055 * bump(0.48, 0.16) + 0.008,
        "leaves": leaves,
        "needles": leaves * (0.82 - 0.1 * step(1.3, 0.1)),
        "soil": soil,
        "asphalt": 0.07 + 0.055 * (w - 0.4) / 2.0,
        "tile": 0.06 + 0.24 * step(0.6, 0.035) + 0.05 * bump(1.6, 0.5),
        "metal": 0.3 + 0.05 * bump(1.0, 0.6),
        "concrete": 0.14 + 0.12 * step(0.6, 0.1) - 0.03 * bump(2.3, 0.15),
    }


def _optical(
    rng: np.random.Generator,
    ground: Ground,
    abundance: np.ndarray,
    terrain: np.ndarray,
    settings: DemoSettings,
) -> np.ndarray:
    """(H, W, bands) reflectance under uneven light, rounded to 1e-4."""
    spectra = _endmembers(settings.bands)
    shares = _material_shares(rng, ground, abundance, settings.variability)
    image = np.zeros((*ground.classes.shape, settings.bands))
    for material, share in shares.items():
        image += share[..., None] * spectra[material]
    light = 1.0 + 0.3 * smooth_field(rng, ground.classes.shape, settings.size / 7)
    light *= 1.0 + 0.06 * normal(rng, ground.classes.shape)
    light *= 1.0 - 0.55 * gaussian_filter(_shadow(ground, terrain).astype(float), 0.5)
    image *= np.maximum(light, 0.2)[..., None]
    wavelengths = np.linspace(0.4, 2.4, settings.bands)
    # The air's water vapour leaves little signal near 1.38 and 1.88 micrometres.
    absorbed = (np.abs(wavelengths - 1.38) < 0.03) | (np.abs(wavelengths - 1.88) < 0.03)
    image += settings.noise * np.where(absorbed, 8.0, 1.0) * normal(rng, image.shape)
    return np.round(np.maximum(image, 0.0), 4)


def _material_shares(
    rng: np.random.Generator, ground: Ground, abundance: np.ndarray, variability: float
) -> dict[str, np.ndarray]:
    """(H, W) share of each material, varying from object to object and pixel to pixel."""
    shape = ground.classes.shape
    count = int(ground.objects.max()) + 1
    of_object = 0.6 * variability * normal(rng, (count,))[ground.objects]
    within = variability * normal(rng, shape)
    roof = rng.random(count)[ground.objects]
    paving = smooth_field(rng, shape, 6.0)
    water, grass, trees, crops, buildings, roads = abundance
    grass_leaves = np.clip(0.72 + of_object + within, 0.0, 1.0)
    crop_leaves = np.clip(0.50 + 0.4 * (ground.rows - 0.5) + of_object + within, 0.0, 1.0)
    tree_leaves = np.clip(0.78 + 1.3 * within, 0.0, 1.0)
    return {
        "water": water,
        "leaves": grass * grass_leaves + crops * crop_leaves + trees * 0.5 * tree_leaves,
        "needles": trees * 0.5 * tree_leaves,
        "soil": grass * (1 - grass_leaves) + crops * (1 - crop_leaves) + trees * (1 - tree_leaves),
        "asphalt": roads * np.where(paving < 0.35, 1.0, 0.0) + buildings * (roof < 0.45),
        "concrete": roads * np.where(paving < 0.35, 0.0, 1.0)
        + buildings * ((roof >= 0.45) & (roof < 0.7)),
        "tile": buildings * ((roof >= 0.7) & (roof < 0.88)),
        "metal": buildings * (roof >= 0.88),
    }


def _shadow(ground: Ground, terrain: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels that something to the north-west keeps the sun from."""
    surface = terrain + ground.height
    shadow = np.zeros(surface.shape, bool)
    for step in range(1, 4):  # the sun stands so that 2 m of height shade one pixel
        blocker = surface[:-step, :-step] - 2.0 * step
        shadow[step:, step:] |= blocker > surface[step:, step:]
    return shadow


def _height(rng: np.random.Generator, ground: Ground, terrain: np.ndarray) -> np.ndarray:
    """(H, W, 1) surface heights in metres, rounded to 1 cm."""
    surface = gaussian_filter(ground.height, 0.5) + terrain
    surface += 0.25 * normal(rng, surface.shape)
    return np.round(surface, 2)[..., None]


def _sar(rng: np.random.Generator, abundance: np.ndarray, looks: int) -> np.ndarray:
    """(H, W, 2) intensities VV and VH with gamma speckle, rounded to 1e-5."""
    channels = []
    for backscatter in (_SAR_VV, _SAR_VH):
        mean = np.zeros(abundance.shape[1:])
        for share, value in zip(abundance, backscatter[1:], strict=True):
            mean += share * value
        mean *= 1.0 + 0.25 * smooth_field(rng, mean.shape, 5.0)
        # A gamma variable of integer shape is the sum of exponentials, -log(uniform).
        speckle = np.zeros(mean.shape)
        for _ in range(looks):
            speckle -= np.log1p(-rng.random(mean.shape))
        channels.append(np.round(np.maximum(mean * speckle / looks, 1e-5), 5))
    return np.stack(channels, axis=-1)


def _official_maps(
    rng: np.random.Generator, labels: np.ndarray, settings: DemoSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Training clusters of each class, and the test pixels that lie clear of all of them."""
    train = np.zeros_like(labels)
    for class_id in CLASSES.ids:
        for _ in range(settings.train_clusters):
            free = np.argwhere((labels == class_id) & (train == 0))
            if len(free) <= settings.cluster_pixels:
                break
            row, column = free[int(rng.integers(len(free)))]
            near = free[np.abs(free - (row, column)).max(axis=1) <= _CLUSTER_REACH]
            chosen = near[rng.permutation(len(near))[: settings.cluster_pixels]]
            train[chosen[:, 0], chosen[:, 1]] = class_id
    close = maximum_filter(train, size=2 * settings.margin + 1, mode="constant") > 0
    return train, np.where(close, 0, labels)
