"""Fabricated scenes in the raw layout of each public one, with its published class counts.

The images are class means plus noise, so that a classifier has something to learn; the labels lie
in patches. Each `write_*` returns the label maps it wrote.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.io import savemat

from tests.data.matlab_v73 import write_matlab_v73

Maps = dict[str, np.ndarray]

# Class counts as published: labelled, or official training and test pixels, in order of class id.
MUUFL = (23246, 4270, 6882, 1826, 6687, 466, 2233, 6240, 1385, 183, 269)
TRENTO_TRAIN = (129, 125, 105, 154, 184, 122)
TRENTO_TEST = (3905, 2778, 374, 8969, 10317, 3052)
AUGSBURG_TRAIN = (146, 264, 21, 248, 52, 7, 23)
AUGSBURG_TEST = (13361, 30065, 3830, 26609, 523, 1638, 1507)
HOUSTON_TRAIN = (198, 190, 192, 188, 186, 182, 196, 191, 193, 191, 181, 192, 184, 181, 187)
HOUSTON_TEST = (
    *(1053, 1064, 505, 1056, 1056, 143, 1072, 1053, 1059, 1036, 1054, 1041, 285, 247, 473),
)
BERLIN_TRAIN = (443, 423, 499, 376, 331, 280, 298, 170)
BERLIN_TEST = (54511, 268219, 19067, 58906, 17095, 13025, 24526, 6502)

_PATCH = 8  # pixels; labels are laid out in squares of about this side


def patchy_labels(shape: tuple[int, int], counts: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """(H, W) uint8 class ids in patches, exactly `counts[i]` pixels of class i + 1, 0 elsewhere."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    across = -(-shape[1] // _PATCH)
    patch = (rows // _PATCH) * across + columns // _PATCH
    order = np.argsort(rng.permutation(patch.max() + 1)[patch].ravel(), kind="stable")
    ids = np.repeat(np.arange(len(counts) + 1), (shape[0] * shape[1] - sum(counts), *counts))
    labels = np.zeros(shape, np.uint8)
    labels.flat[order] = ids
    return labels


def split_labels(labels: np.ndarray, train: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Training and test maps: the first `train[i]` pixels of class i + 1, row by row, train."""
    chosen = np.zeros_like(labels)
    for class_id, count in enumerate(train, start=1):
        chosen.flat[np.flatnonzero(labels == class_id)[:count]] = class_id
    return chosen, np.where(chosen > 0, 0, labels).astype(np.uint8)


def image(
    labels: np.ndarray, bands: int, seed: int = 0, spread: float = 100.0, offset: float = 1000.0
) -> np.ndarray:
    """(H, W, bands) float32: the class's mean in each band plus noise."""
    rng = np.random.default_rng(seed)
    means = rng.normal(offset, spread, (int(labels.max()) + 1, bands)).astype(np.float32)
    noise = rng.standard_normal((*labels.shape, bands), dtype=np.float32) * np.float32(spread / 2)
    return means[labels] + noise


def write_muufl(
    folder: Path, bands: int = 64, form: str = "official", shape: tuple[int, int] = (325, 220)
) -> Maps:
    """MUUFL Gulfport: `official` (nested structs), `official_v73`, `copies` or `other_copies`."""
    counts = MUUFL if shape == (325, 220) else (20,) * len(MUUFL)
    labels = patchy_labels(shape, counts)
    hsi, lidar = image(labels, bands, 1, 0.05, 0.4), image(labels, 2, 2, 2.0, 10.0)
    folder.mkdir(parents=True, exist_ok=True)
    with_minus = np.where(labels == 0, -1.0, labels)
    if form.startswith("official"):
        flights = [{"x": np.zeros(3), "z": lidar}, {"x": np.zeros(3), "z": lidar + 1}]
        hsi_struct = {
            "Data": hsi,
            "Lidar": flights,
            "info": {"wavelength": np.linspace(405.0, 1005.0, bands)},
            "sceneLabels": {"labels": with_minus, "Materials_Type": ["trees", "mostly grass"]},
        }
        path = folder / "muufl_gulfport_campus_1_hsi_220_label.mat"
        if form == "official_v73":
            write_matlab_v73(path, {"hsi": hsi_struct})
        else:
            cell = np.empty((1, 2), dtype=object)
            cell[0, :] = flights
            savemat(path, {"hsi": {**hsi_struct, "Lidar": cell}})
    elif form == "copies":
        savemat(folder / "HSI.mat", {"HSI": hsi})
        savemat(folder / "LiDAR.mat", {"LiDAR": lidar})
        savemat(folder / "gt.mat", {"gt": labels})
    else:
        savemat(folder / "data_HS_LR.mat", {"hsi_data": hsi})
        savemat(folder / "data_SAR_HR.mat", {"lidar_data": lidar})
        savemat(folder / "gt.mat", {"labels": with_minus})
    return {"labels": labels}


def write_trento(folder: Path, bands: int = 63, form: str = "italy") -> Maps:
    """Trento at true size: `italy` (two LiDAR channels, all labels) or `copies` (one, split)."""
    labels = patchy_labels((166, 600), tuple(np.add(TRENTO_TRAIN, TRENTO_TEST).tolist()))
    train, test = split_labels(labels, TRENTO_TRAIN)
    hsi, lidar = image(labels, bands, 1), image(labels, 2, 2, 2.0, 10.0)
    folder.mkdir(parents=True, exist_ok=True)
    if form == "italy":
        savemat(folder / "Italy_hsi.mat", {"data": hsi})
        savemat(folder / "Italy_lidar.mat", {"data": lidar})
        savemat(folder / "allgrd.mat", {"mask_test": labels})
        return {"labels": labels}
    savemat(folder / "HSI.mat", {"HSI": hsi})
    savemat(folder / "LiDAR.mat", {"LiDAR": lidar[..., 0]})
    savemat(folder / "TRLabel.mat", {"TRLabel": train})
    savemat(folder / "TSLabel.mat", {"TSLabel": test})
    return {"labels": labels, "official_train": train, "official_test": test}


def write_augsburg(folder: Path, bands: int = 180, form: str = "maps") -> Maps:
    """Augsburg at true size: `maps` (with surface model) or `index` (lists of pixels)."""
    counts = tuple(np.add(AUGSBURG_TRAIN, AUGSBURG_TEST).tolist())
    labels = patchy_labels((332, 485), counts)
    train, test = split_labels(labels, AUGSBURG_TRAIN)
    hsi = image(labels, bands, 1).astype(np.uint16)
    sar, dsm = image(labels, 4, 2, 1.0, 0.0).astype(float), image(labels, 1, 3, 3.0, 500.0)
    _write_hong(folder, "augsburg", form, hsi, sar, labels, train, test)
    if form == "maps":
        savemat(folder / "data_DSM.mat", {"data_DSM": dsm[..., 0].astype(float)})
    return {"labels": labels, "official_train": train, "official_test": test}


def write_berlin(
    folder: Path, bands: int = 244, form: str = "maps", shape: tuple[int, int] = (1723, 476)
) -> Maps:
    """Berlin; at another shape than the true one each class has a 5 training and 20 test pixels."""
    true_size = shape == (1723, 476)
    train_counts = BERLIN_TRAIN if true_size else (5,) * len(BERLIN_TRAIN)
    test_counts = BERLIN_TEST if true_size else (20,) * len(BERLIN_TEST)
    labels = patchy_labels(shape, tuple(np.add(train_counts, test_counts).tolist()))
    train, test = split_labels(labels, train_counts)
    hsi, sar = image(labels, bands, 1), image(labels, 4, 2, 1.0, 0.0)
    _write_hong(folder, "berlin", form, hsi, sar, labels, train, test)
    return {"labels": labels, "official_train": train, "official_test": test}


def write_houston2013(folder: Path, bands: int = 144, form: str = "copies") -> Maps:
    """Houston 2013 at true size: `copies` (.mat), or `contest` (GeoTIFF and regions as text)."""
    counts = tuple(np.add(HOUSTON_TRAIN, HOUSTON_TEST).tolist())
    labels = patchy_labels((349, 1905), counts)
    train, test = split_labels(labels, HOUSTON_TRAIN)
    hsi, lidar = image(labels, bands, 1).astype(np.uint16), image(labels, 1, 2, 3.0, 20.0)
    folder.mkdir(parents=True, exist_ok=True)
    if form == "copies":
        savemat(folder / "HSI.mat", {"HSI": hsi})
        savemat(folder / "LiDAR.mat", {"LiDAR": lidar[..., 0]})
        savemat(folder / "TRLabel.mat", {"TRLabel": train})
        savemat(folder / "TSLabel.mat", {"TSLabel": test})
    else:
        contest = "2013_IEEE_GRSS_DF_Contest"
        place = {"crs": "EPSG:32615", "transform": (2.5, 0.0, 271_460.0, 0.0, -2.5, 3_290_891.0)}
        write_raster(folder / f"{contest}_CASI.tif", hsi, **place)
        write_raster(folder / f"{contest}_LiDAR.tif", lidar, **place)
        write_regions(folder / f"{contest}_Samples_TR.txt", train)
        write_regions(folder / f"{contest}_Samples_VA.txt", test, headers_first=True)
    return {"labels": labels, "official_train": train, "official_test": test}


def _write_hong(
    folder: Path,
    name: str,
    form: str,
    hsi: np.ndarray,
    sar: np.ndarray,
    labels: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
) -> None:
    """The two forms that Augsburg and Berlin share."""
    folder.mkdir(parents=True, exist_ok=True)
    if form == "maps":
        savemat(folder / "data_HS_LR.mat", {"data_HS_LR": hsi})
        savemat(folder / "data_SAR_HR.mat", {"data_SAR_HR": sar})
        savemat(folder / "TrainImage.mat", {"TrainImage": train})
        savemat(folder / "TestImage.mat", {"TestImage": test.astype(np.float32)})
        return
    savemat(folder / f"{name}_hsi.mat", {f"{name}_hsi": hsi})
    savemat(folder / f"{name}_sar.mat", {f"{name}_sar": sar})
    savemat(folder / f"{name}_gt.mat", {f"{name}_gt": labels})
    lists = {"train": np.argwhere(train), "test": np.argwhere(test), "all": np.argwhere(labels)}
    savemat(
        folder / f"{name}_index.mat",
        {f"{name}_{key}": pixels.astype(np.int16) for key, pixels in lists.items()},
    )


def write_raster(
    path: Path,
    values: np.ndarray,
    crs: str | None = None,
    transform: tuple[float, ...] | None = None,
    nodata: float | None = None,
    driver: str = "GTiff",
) -> None:
    """(H, W[, bands]) as a raster."""
    import warnings

    import rasterio
    from affine import Affine
    from rasterio.errors import NotGeoreferencedWarning

    path.parent.mkdir(parents=True, exist_ok=True)
    cube = values[..., None] if values.ndim == 2 else values
    height, width, count = cube.shape
    profile = {"height": height, "width": width, "count": count, "dtype": cube.dtype.name}
    profile |= {"crs": crs} if crs else {}
    profile |= {"transform": Affine(*transform[:6])} if transform else {}
    profile |= {"nodata": nodata} if nodata is not None else {}
    with (
        warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
        rasterio.open(path, "w", driver=driver, **profile) as target,
    ):
        target.write(np.moveaxis(cube, -1, 0))


def write_regions(
    path: Path,
    labels: np.ndarray,
    names: Mapping[int, str] | None = None,
    headers_first: bool = False,
) -> None:
    """Regions of interest as ENVI writes them to text, one a class; X and Y count from 1."""
    names = names or {i: f"class_{i}" for i in range(1, int(labels.max()) + 1)}
    head = ["; ENVI Output of ROIs (4.8) [Mon Jan 01 00:00:00 2013]"]
    head += [f"; Number of ROIs: {len(names)}"]
    head += [f"; File Dimension: {labels.shape[1]} x {labels.shape[0]}", ";"]
    columns = ";    ID     X     Y    Lat"
    headers, bodies = [], []
    for class_id, name in names.items():
        pixels = np.argwhere(labels == class_id) + 1
        header = [f"; ROI name: {name}", "; ROI rgb value: {0, 255, 0}"]
        headers.append([*header, f"; ROI npts: {len(pixels)}"])
        bodies.append([f"{i:6d}{x:6d}{y:6d}  29.72" for i, (y, x) in enumerate(pixels, start=1)])
    if headers_first:
        blocks = [*headers, [columns], *([*body, ""] for body in bodies)]
    else:
        pairs = zip(headers, bodies, strict=True)
        blocks = [[*header, columns, *body, ""] for header, body in pairs]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*head, *itertools.chain.from_iterable(blocks)]) + "\n")
