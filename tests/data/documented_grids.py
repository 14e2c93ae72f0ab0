"""Files of the scenes of several grids, and of many tiles, in docs/how_to/scenes.md."""

from pathlib import Path

import numpy as np

from tests.data.fabricate import write_raster
from tests.data.small_scene import DSM, HSI, LABELS, PLACE

A, B, C, D, E, F = PLACE["transform"]


def placed(size: float = 1.0, row: int = 0, column: int = 0) -> dict:
    """The place of cells so many pixels wide, from a pixel of the small scene on."""
    return {
        "crs": PLACE["crs"],
        "transform": (A * size, B, C + A * column, D, E * size, F + E * row),
    }


def write_estuary(folder: Path) -> None:
    for band, name in enumerate(("B02", "B03", "B04", "B08")):
        write_raster(folder / f"{name}.tif", HSI[..., band], **PLACE)
    for band, name in enumerate(("B05", "B11", "B12")):
        write_raster(folder / f"{name}.tif", HSI[::2, ::2, band], **placed(2))
    write_raster(folder / "land_cover.tif", LABELS[::2, ::2], **placed(2))


def write_harbour(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "aerial.npy", HSI[:21, :18])
    np.save(folder / "thermal.npy", DSM[:7, :6])
    np.save(folder / "labels.npy", LABELS[:21, :18])


def write_hills(folder: Path) -> None:
    rng = np.random.default_rng(1)
    write_raster(folder / "optical.tif", HSI, **PLACE)
    fine = np.repeat(np.repeat(DSM, 4, axis=0), 4, axis=1)
    write_raster(folder / "lidar_1m.tif", fine, **placed(0.25))
    degrees = (2e-3, 0, 8.999, 0, -2e-3, 45.156)
    rain = rng.random((4, 4)).astype(np.float32)
    write_raster(folder / "rain_degrees.tif", rain, crs="EPSG:4326", transform=degrees)
    soil = rng.integers(1, 5, (12, 12)).astype(np.uint8)
    west = (30.0, 0, C - 20, 0, -30.0, F + 40)
    write_raster(folder / "soil.tif", soil, crs=PLACE["crs"], transform=west)
    labels = np.repeat(np.repeat(LABELS, 4, axis=0), 4, axis=1)
    write_raster(folder / "land_cover_3m.tif", labels, **placed(0.25))


def write_county(folder: Path) -> None:
    for row in (0, 12):
        for column in (0, 10):
            part = np.s_[row : row + 12, column : column + 10]
            place = placed(1, row, column)
            write_raster(folder / "ortho" / f"{row}_{column}.tif", HSI[part], **place)
            if (row, column) != (12, 10):
                write_raster(folder / "labels" / f"{row}_{column}.tif", LABELS[part], **place)
    write_raster(folder / "north.tif", DSM[:13], **PLACE)
    write_raster(folder / "south.tif", DSM[13:], **placed(1, 13))
