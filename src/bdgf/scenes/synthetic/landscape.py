"""What stands where in the demo scene: fields, woods, a river, roads and buildings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

WATER, GRASS, TREES, CROPS, BUILDINGS, ROADS = range(1, 7)

# Sizes in pixels and densities per pixel, chosen here so that objects stay smaller than a patch.
_FIELD_AREA = 420.0
_CROP_SHARE = 0.55
_ROW_PERIOD = 4.0
_CROWN_RADIUS = (1.3, 2.9)
_CROWNS_PER_PIXEL = 0.075
_SINGLE_TREES_PER_PIXEL = 0.004
_RIVER_HALF_WIDTH = 3.4
_ROAD_HALF_WIDTH = 1.15
_BUILDINGS_PER_PIXEL = 0.009
_BUILDING_HALF_LENGTH = (2.0, 4.2)
_BUILDING_HALF_WIDTH = (1.5, 2.6)


@dataclass
class Ground:
    """The ground truth from which the modalities are imaged.

    Attributes:
        classes: (H, W) uint8, class ids.
        objects: (H, W) int32, which field or building a pixel belongs to.
        height: (H, W) float64, metres above the terrain.
        rows: (H, W) float64 in [0, 1], phase of the crop rows.
    """

    classes: np.ndarray
    objects: np.ndarray
    height: np.ndarray
    rows: np.ndarray


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Nearly normal noise as a sum of uniforms: additions only, the same on every platform."""
    total = np.zeros(shape)
    for _ in range(12):  # the variance of 12 uniforms is 1
        total += rng.random(shape)
    return total - 6.0


def smooth_field(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """(H, W) smooth random field with values in [-1, 1]; `sigma` in pixels."""
    field = gaussian_filter(normal(rng, shape), sigma, mode="reflect")
    field -= (field.max() + field.min()) / 2
    return field / np.abs(field).max()


def draw_ground(rng: np.random.Generator, size: int) -> Ground:
    """Draws the scene's objects, later ones over earlier ones.

    Args:
        rng: Source of every draw.
        size: Height and width H = W in pixels.
    """
    y, x = np.mgrid[0:size, 0:size].astype(np.float64)
    ground = _fields(rng, y, x)
    _woods(rng, ground, y, x)
    _river(rng, ground, y, x)
    roads = _roads(rng, ground, y, x)
    _buildings(rng, ground, y, x, roads)
    return ground


def _uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    return limits[0] + (limits[1] - limits[0]) * float(rng.random())


def _fields(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> Ground:
    size = y.shape[0]
    count = max(4, round(size * size / _FIELD_AREA))
    centres = rng.random((count, 2)) * size
    # Stretched distances give oblong fields with straight borders.
    distance = np.stack([np.abs(y - cy) * 1.4 + np.abs(x - cx) for cy, cx in centres])
    objects = distance.argmin(axis=0).astype(np.int32)
    is_crop = np.arange(count) < round(_CROP_SHARE * count)
    classes = np.where(is_crop[objects], CROPS, GRASS).astype(np.uint8)
    crop_height = 0.3 + 1.1 * rng.random(count)
    height = np.where(is_crop[objects], crop_height[objects], 0.1)
    along_x = rng.random(count) < 0.5
    position = np.where(along_x[objects], y, x)
    rows = np.abs((position / _ROW_PERIOD) % 1.0 * 2.0 - 1.0)
    return Ground(classes, objects, height, rows)


def _woods(rng: np.random.Generator, ground: Ground, y: np.ndarray, x: np.ndarray) -> None:
    size = y.shape[0]
    wood = smooth_field(rng, y.shape, size / 12) > 0.25
    ground.classes[wood] = GRASS  # clearings between the crowns
    ground.height[wood] = 0.1
    dense = round(_CROWNS_PER_PIXEL * size * size)
    single = round(_SINGLE_TREES_PER_PIXEL * size * size)
    for index in range(dense + single):
        cy, cx = rng.random(2) * size
        radius = _uniform(rng, _CROWN_RADIUS)
        top = 1.5 + 1.6 * radius * (0.6 + 0.8 * rng.random())
        if index < dense and not wood[int(cy), int(cx)]:
            continue
        distance = (y - cy) ** 2 + (x - cx) ** 2
        crown = distance < radius**2
        dome = top * (1.0 - 0.6 * distance / radius**2)
        ground.height[crown] = np.maximum(ground.height, dome)[crown]
        ground.classes[crown] = TREES


def _river(rng: np.random.Generator, ground: Ground, y: np.ndarray, x: np.ndarray) -> None:
    size = y.shape[0]
    bend = smooth_field(rng, (size, size), size / 8)[:, 0]
    centre = size * (0.28 + 0.1 * bend)[:, None]
    width = _RIVER_HALF_WIDTH * (1.0 + 0.3 * smooth_field(rng, (size, size), 4.0)[:, :1])
    pond_y, pond_x = size * (0.15 + 0.7 * rng.random(2))
    pond = (y - pond_y) ** 2 + 0.5 * (x - pond_x) ** 2 < (0.06 * size) ** 2
    water = (np.abs(x - centre) < width) | pond
    ground.classes[water] = WATER
    ground.height[water] = 0.0


def _roads(
    rng: np.random.Generator, ground: Ground, y: np.ndarray, x: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Paints the roads; returns a point on each and its direction, both (y, x)."""
    size = y.shape[0]
    roads = []
    for index in range(max(3, round(size / 20))):
        # Alternating main directions, each road a little askew.
        slope = 0.5 * (rng.random() - 0.5)
        direction = np.array([slope, 1.0]) if index % 2 else np.array([1.0, slope])
        direction /= np.sqrt((direction**2).sum())
        point = size * (0.2 + 0.75 * rng.random(2))
        across = np.abs((y - point[0]) * direction[1] - (x - point[1]) * direction[0])
        road = across < _ROAD_HALF_WIDTH
        ground.classes[road] = ROADS
        ground.height[road] = 0.0
        roads.append((point, direction))
    return roads


def _buildings(
    rng: np.random.Generator,
    ground: Ground,
    y: np.ndarray,
    x: np.ndarray,
    roads: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    size = y.shape[0]
    first = int(ground.objects.max()) + 1
    for index in range(round(_BUILDINGS_PER_PIXEL * size * size)):
        point, direction = roads[int(rng.integers(len(roads)))]
        length = _uniform(rng, _BUILDING_HALF_LENGTH)
        width = _uniform(rng, _BUILDING_HALF_WIDTH)
        side = 1.0 if rng.random() < 0.5 else -1.0
        normal_direction = np.array([direction[1], -direction[0]])
        offset = side * (width + _ROAD_HALF_WIDTH + 1.5 + 5.0 * rng.random())
        centre = point + direction * size * (rng.random() - 0.5) * 1.6 + normal_direction * offset
        height = 2.4 + 6.0 * rng.random()
        along = (y - centre[0]) * direction[0] + (x - centre[1]) * direction[1]
        across = (y - centre[0]) * normal_direction[0] + (x - centre[1]) * normal_direction[1]
        footprint = (np.abs(along) < length) & (np.abs(across) < width)
        free = ~np.isin(ground.classes[footprint], (WATER, ROADS, BUILDINGS))
        if not footprint.any() or not free.all():
            continue
        ground.classes[footprint] = BUILDINGS
        ground.height[footprint] = height
        ground.objects[footprint] = first + index
