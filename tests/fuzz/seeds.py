"""Small sound files of every format, by the makers of the tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import scipy.sparse
import tifffile
import xarray as xr
import yaml
from scipy.io import savemat

from tests.data.fabricate import write_raster
from tests.data.matlab_v73 import StructArray, write_matlab_v73
from tests.data.raw_file_cases import GENERATOR
from tests.data.raw_rasters import write_envi, write_tif
from tests.data.small_scene import LABELS, npy_config

CUBE = np.random.default_rng(0).normal(1000, 100, (12, 10, 4)).astype(np.float32)
WHOLE = CUBE.astype(np.int16)
_LARGEST = 200_000  # bytes of a seed: larger ones hide their headers from random damage


@dataclass(frozen=True)
class Seed:
    """One sound file, or several that belong together.

    Attributes:
        format: What `--formats` chooses by.
        loader: Name in `loaders.LOADERS`.
        folder: Holds the files and nothing else.
        main: The file that is read, or the folder.
        damaged: The files that are damaged, one at a time.
        variable: What is read of it, where it has several.
    """

    format: str
    loader: str
    folder: Path
    main: str
    damaged: tuple[str, ...]
    variable: str | None = None

    @property
    def name(self) -> str:
        """What it is, for a line of the report."""
        return f"{self.format}/{self.folder.name}"


def make_seeds(folder: Path, formats: Iterable[str]) -> list[Seed]:
    """Writes the seeds of these formats below a folder that is empty."""
    return [seed for name in formats for seed in MAKERS[name](folder / name)]


def _one(folder: Path, kind: str, file: str, write: Callable[[Path], Any], variable: str | None,
         loader: str = "reader") -> Seed:  # fmt: skip
    """A seed of one file in a folder of its own; all that `write` leaves there is damaged too."""
    own = folder / f"{Path(file).stem}{Path(file).suffix.replace('.', '_')}"
    own.mkdir(parents=True)
    write(own / file)
    files = tuple(sorted(path.name for path in own.iterdir()))
    return Seed(kind, loader, own, file, files, variable)


def _matlab_5(folder: Path) -> list[Seed]:
    cell = np.empty((1, 2), object)
    cell[0] = [{"x": np.ones(3), "z": CUBE}, {"x": np.ones(3), "z": CUBE + 1}]
    nested = {"hsi": {"Data": CUBE, "Lidar": cell, "names": ["a", "bc"], "w": np.arange(4.0)}}
    sparse = {"v": scipy.sparse.csc_matrix(np.where(LABELS == 1, 1.0, 0.0))}
    seeds = []
    for packed in (True, False):
        options = {"do_compression": packed}
        end = "z" if packed else ""
        for name, values, variable in (
            (f"cube{end}.mat", {"v": CUBE, "other": LABELS}, "v"),
            (f"sparse{end}.mat", sparse, "v"),
            (f"nested{end}.mat", nested, "hsi.Lidar[1].z"),
        ):
            write = _saver(values, options)
            seeds.append(_one(folder, "matlab5", name, write, variable))
    seeds.append(_one(folder, "matlab5", "four.mat", _saver({"v": LABELS}, {"format": "4"}), None))
    return seeds


def _saver(values: dict[str, Any], options: dict[str, Any]) -> Callable[[Path], None]:
    return lambda path: savemat(path, values, **options)


def _matlab_73(folder: Path) -> list[Seed]:
    values = {"hsi": {"Lidar": [{"z": CUBE}], "s": StructArray([{"v": CUBE}, {"v": CUBE}])}}
    return [
        _one(folder, "matlab73", "cube.mat", lambda p: write_matlab_v73(p, {"v": CUBE}), "v"),
        _one(folder, "matlab73", "nested.mat", lambda p: write_matlab_v73(p, values), "hsi.s[1].v"),
    ]


def _hdf5(folder: Path) -> list[Seed]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            group = file.create_group("SITE/Reflectance")
            cube = group.create_dataset("cube", data=WHOLE, chunks=(4, 5, 2), compression="gzip")
            cube.attrs.update({"Scale_Factor": 10000.0, "Data_Ignore_Value": -9999.0})
            group["Wavelength"] = np.linspace(400, 900, 4)
            file["labels"] = LABELS

    return [
        _one(folder, "hdf5", "cube.h5", write, "SITE.Reflectance.cube"),
        _one(folder, "hdf5", "plain.h5", write, "labels"),
    ]


def _netcdf(folder: Path) -> list[Seed]:
    axes = {"y": 5e6 - 10.0 * np.arange(12), "x": 5e5 + 10.0 * np.arange(10), "b": np.arange(4)}
    cube = xr.DataArray(WHOLE, dims=("y", "x", "b"), coords=axes, name="v")
    cube.attrs = {"scale_factor": 1e-4, "_FillValue": np.int16(-9999), "units": "1"}

    def write(engine: Literal["h5netcdf", "scipy"]) -> Callable[[Path], Any]:
        return lambda path: cube.to_netcdf(path, engine=engine)

    return [
        _one(folder, "netcdf", "four.nc", write("h5netcdf"), "v"),
        _one(folder, "netcdf", "three.nc", write("scipy"), "v"),
    ]


def _zarr(folder: Path) -> list[Seed]:
    axes = {"y": 5e6 - 10.0 * np.arange(12), "x": 5e5 + 10.0 * np.arange(10), "b": list("abcd")}
    cube = xr.DataArray(WHOLE, dims=("y", "x", "b"), coords=axes, name="v")
    cube.attrs = {"scale_factor": 1e-4, "_FillValue": np.int16(-9999), "units": "1"}
    versions: tuple[tuple[Literal[2, 3], dict[str, Any]], ...] = (
        (2, {"chunks": (5, 5, 4)}),
        (3, {"chunks": (6, 5, 2), "shards": (12, 10, 4)}),
    )
    seeds = []
    for version, options in versions:
        own = folder / f"version_{version}"
        own.mkdir(parents=True)
        store, encoding = own / "cube.zarr", {"v": options}
        cube.to_dataset().to_zarr(store, zarr_format=version, consolidated=False, encoding=encoding)
        inside = sorted(path for path in store.rglob("*") if path.is_file())
        files = tuple(str(path.relative_to(own)) for path in inside)
        seeds.append(Seed("zarr", "reader", own, store.name, files, "v"))
    return seeds


def _tiff(folder: Path) -> list[Seed]:
    place: dict[str, Any] = {"crs": "EPSG:32632", "transform": (10.0, 0.0, 5e5, 0.0, -10.0, 5e6)}
    mask = WHOLE[..., 0] > 0

    def pages(path: Path) -> None:
        tifffile.imwrite(path, WHOLE.transpose(2, 0, 1), photometric="minisblack")

    def packed(kind: str, **more: Any) -> Callable[[Path], None]:
        return lambda path: write_tif(path, WHOLE, compress=kind, nodata=-1, **place, **more)

    return [
        _one(folder, "tiff", "plain.tif", lambda p: write_tif(p, CUBE, **place), None),
        _one(folder, "tiff", "deflate.tif", packed("deflate", tiled=True, blockxsize=16,
                                                   blockysize=16), None),
        _one(folder, "tiff", "lzw.tif", packed("lzw", predictor=2), None),
        _one(folder, "tiff", "zstd.tif", packed("zstd"), None),
        _one(folder, "tiff", "big.tif", packed("packbits", BIGTIFF="YES"), None),
        _one(folder, "tiff", "masked.tif", lambda p: write_tif(p, WHOLE, [mask]), None),
        _one(folder, "tiff", "beside.tif", lambda p: write_tif(p, WHOLE, [mask], False), None),
        _one(folder, "tiff", "pages.tif", pages, None),
    ]  # fmt: skip


def _other_rasters(folder: Path) -> list[Seed]:
    def mosaic(path: Path) -> None:
        write_raster(path.with_name("a.tif"), WHOLE)
        path.write_text(
            '<VRTDataset rasterXSize="10" rasterYSize="12"><VRTRasterBand dataType="Int16" '
            'band="1"><NoDataValue>-1</NoDataValue><SimpleSource><SourceFilename '
            'relativeToVRT="1">a.tif</SourceFilename><SourceBand>1</SourceBand><SrcRect xOff="0" '
            'yOff="0" xSize="10" ySize="12"/><DstRect xOff="0" yOff="0" xSize="10" ySize="12"/>'
            "</SimpleSource></VRTRasterBand></VRTDataset>"
        )

    bytes_ = (WHOLE[..., :3] % 256).astype(np.uint8)
    fields = "band names = {a, b, c, d}\nwavelength = {400, 500, 600, 700}\nbbl = {1, 1, 0, 1}"
    return [
        _one(folder, "raster", "mosaic.vrt", mosaic, None),
        _one(folder, "raster", "image.png", lambda p: write_tif(p, bytes_, driver="PNG"), None),
        _one(folder, "raster", "image.jp2",
             lambda p: write_tif(p, bytes_, driver="JP2OpenJPEG"), None),
        _one(folder, "raster", "erdas.img", lambda p: write_tif(p, CUBE, driver="HFA"), None),
        _one(folder, "raster", "image.dat", lambda p: write_envi(p, WHOLE, fields), None),
        _one(folder, "raster", "image.bil",
             lambda p: write_envi(p, WHOLE, fields, interleave="bil"), None),
    ]  # fmt: skip


def _numpy(folder: Path) -> list[Seed]:
    return [
        _one(folder, "numpy", "a.npy", lambda p: np.save(p, CUBE), None),
        _one(folder, "numpy", "a.npz", lambda p: np.savez(p, v=CUBE, w=LABELS), "v"),
        _one(folder, "numpy", "packed.npz", lambda p: np.savez_compressed(p, v=CUBE), None),
    ]


def _regions(folder: Path) -> list[Seed]:
    lines = ["; ENVI Output of ROIs", "; Number of ROIs: 2", "; File Dimension: 10 x 12", ";"]
    for name in ("water", "grass"):
        lines += [f"; ROI name: {name}", "; ROI npts: 3"]
    lines += ["; ID X Y Map X Map Y"]
    lines += [f"{i % 3 + 1} {i + 1} {2 * i + 1} 500000.5 4999990.5" for i in range(6)]
    text = "\n".join(lines)
    commas = "\n".join(line if line[0] == ";" else line.replace(" ", ", ") for line in lines)
    return [
        _one(folder, "text", "rois.txt", lambda p: p.write_text(text), None),
        _one(folder, "text", "rois.csv", lambda p: p.write_text(commas), None),
    ]


def _scene_files(folder: Path) -> list[Seed]:
    own = npy_config(title="Fuzz", unlabelled=[0, -1], grid_tolerance=1e-3)
    own["modalities"]["hsi"] |= {"bands": 6, "nodata": [-9999.0, 1e-30], "units": "1"}
    text = yaml.safe_dump({"mine": own}, sort_keys=False)
    return [_one(folder, "scene", "mine.yml", lambda p: p.write_text(text), None, "scene_file")]


def _cases(folder: Path) -> list[Seed]:
    """The raw files of `shared/cases`, where its generator is there."""
    if not GENERATOR.is_file():
        return []
    folder.mkdir(parents=True)
    subprocess.run([sys.executable, GENERATOR, folder], check=True, capture_output=True)
    seeds = []
    for raw in sorted(folder.glob("*/raw")):
        sizes = {path.name: path.stat().st_size for path in raw.iterdir() if path.is_file()}
        for name, size in sorted(sizes.items()):
            if size <= _LARGEST and not name.endswith((".xml", ".msk", ".json", ".yml")):
                variable = "refl" if name.endswith(".nc") else None
                seeds.append(Seed("cases", "reader", raw, name, (name,), variable))
    return seeds


def _records(folder: Path) -> list[Seed]:
    from bdgf.experiments.comparison import MEASURES
    from bdgf.experiments.published import published
    from bdgf.experiments.records import PixelCorrectness, Record, RecordFolder

    metrics = dict.fromkeys((*MEASURES, "leakage"), 0.9)
    record = Record(
        "f00d", "demo", 3, "bdgf", {"train": {"epochs": 2}}, metrics,
        {"name": "blocks", "test": 10}, 12.5, 1, 215304, False, "a" * 32, "0.1.0",
        "2026-11-25T23:26:49+00:00",
    )  # fmt: skip
    right = PixelCorrectness(np.arange(0, 90, 3, dtype=np.uint32), np.arange(30) % 2 == 0)

    def write(path: Path) -> None:
        RecordFolder(path.parent).write(record, right)

    def publish(path: Path) -> None:
        path.write_text(published([("ours", record, right)]))

    return [
        _one(folder, "record", "f00d.json", write, None, "record"),
        _one(folder, "record", "suite_runs.json", publish, None, "published"),
    ]


def _cubes(folder: Path) -> list[Seed]:
    from bdgf.features.external import write_feature_cube

    levels = {0: CUBE.transpose(2, 0, 1)}

    def write(path: Path) -> None:
        write_feature_cube(path, levels, np.ones(CUBE.shape[:2], bool), "small")

    return [_one(folder, "cube", "cube.h5", write, None, "cube")]


def _artifacts(folder: Path) -> list[Seed]:
    """Scene, split, preparation, checkpoint and trained models of a small demo scene."""
    from tests.fuzz.artifacts import write_artifacts

    return [
        _one(folder, "artifact", file, write, None, loader)
        for file, loader, write in write_artifacts()
    ]


MAKERS: dict[str, Callable[[Path], list[Seed]]] = {
    "matlab5": _matlab_5,
    "matlab73": _matlab_73,
    "hdf5": _hdf5,
    "netcdf": _netcdf,
    "zarr": _zarr,
    "tiff": _tiff,
    "raster": _other_rasters,
    "numpy": _numpy,
    "text": _regions,
    "scene": _scene_files,
    "cases": _cases,
    "record": _records,
    "cube": _cubes,
    "artifact": _artifacts,
}
"""Format -> what makes its seeds."""
