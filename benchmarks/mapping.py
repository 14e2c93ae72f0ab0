"""`python -m benchmarks.mapping`: memory and time of `predict` on rasters of several sizes.

A fabricated landscape of 15 channels is repeated to rasters of the sizes asked for, as GeoTIFFs. A
model is trained on one piece of it. `kedro run --pipeline=predict` maps each raster in a process
of its own, whose resident memory (that of its children too) is looked at five times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import rasterio
import yaml
from rasterio.transform import from_origin
from rasterio.windows import Window

from bdgf.scenes.scene import LABELS, OFFICIAL_TRAIN, modality_names
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from benchmarks.children import ROOT

_PIECE = 250
_BANDS = 12
_LOOK_SECONDS = 0.2
_MIB = 2**20


def main() -> int:
    """Parses the command line, measures, prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mapping", description=__doc__)
    parser.add_argument("--sizes", default="1000x1000,5000x5000,2000x10980")
    parser.add_argument("--models", default="random_forest")
    parser.add_argument("--params", default="", help="More for predict, as of kedro run")
    parser.add_argument("--train-params", default="", help="More for the training")
    parser.add_argument("--output", type=Path, help="Takes the figures as JSON")
    options = parser.parse_args()
    pairs = (size.split("x") for size in options.sizes.split(","))
    sizes = [(int(rows), int(columns)) for rows, columns in pairs]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _project(folder, sizes)
        for model in options.models.split(","):
            first = f"dataset=piece,model={model}"
            _kedro(folder, "full", ",".join(filter(None, [first, options.train_params])))
            for rows_, columns in sizes:
                params = f"{first},target=raster_{rows_}x{columns}"
                given = ",".join(filter(None, [params, options.params]))
                seconds, peak, mapped = _kedro(folder, "predict", given)
                rows.append(
                    {
                        "model": model,
                        "size": f"{rows_}x{columns}",
                        "peak_mib": round(peak / _MIB),
                        "seconds": round(seconds, 1),
                        "pixels_per_second": round(rows_ * columns / mapped),
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
    if options.output:
        options.output.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def _project(folder: Path, sizes: list[tuple[int, int]]) -> None:
    import shutil

    shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    (folder / "src").mkdir()
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, folder / name)
    scene = make_demo_scene(DemoSettings(size=_PIECE, bands=_BANDS, nodata_corner=0))
    scenes = folder / "conf" / "local" / "parameters_scenes"
    scenes.mkdir(parents=True)
    wanted = {"piece": (_PIECE, _PIECE)}
    wanted |= {f"raster_{rows}x{columns}": (rows, columns) for rows, columns in sizes}
    for name, shape in wanted.items():
        place = folder / "raw" / name
        place.mkdir(parents=True)
        modalities = {}
        for modality in modality_names(scene):
            values = scene[modality].to_numpy()
            _tiled(place / f"{modality}.tif", values, shape)
            attributes = scene[modality].attrs
            modalities[modality] = {
                "kind": attributes["kind"],
                "units": attributes["units"],
                "to_decibels": attributes["scale"] == "log",
                "file": f"{modality}.tif",
            }
        configured = {"modalities": modalities, "labels": {"file": "labels.tif"}}
        labels = np.zeros((*shape, 1), np.uint8)  # of the first piece alone
        known = scene[OFFICIAL_TRAIN if name != "piece" else LABELS].to_numpy()
        labels[:_PIECE, :_PIECE, 0] = known
        _tiled(place / "labels.tif", labels, shape)
        (scenes / f"{name}.yml").write_text(yaml.safe_dump({name: configured}))


def _tiled(path: Path, values: np.ndarray, shape: tuple[int, int]) -> None:
    """Repeats (h, w, bands) over a raster, a row of pieces at a time."""
    height, width = shape
    tall, wide, bands = values.shape
    line = np.tile(values, (1, -(-width // wide), 1))[:, :width].transpose(2, 0, 1)
    profile = {
        "driver": "GTiff",
        "height": height,
        "width": width,
        "count": bands,
        "dtype": values.dtype.name,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "crs": "EPSG:32632",
        "transform": from_origin(500_000, 5_000_000, 10, 10),
        "BIGTIFF": "IF_SAFER",
    }
    with rasterio.open(path, "w", **profile) as target:
        for top in range(0, height, tall):
            count = min(tall, height - top)
            target.write(line[:, :count], window=Window(0, top, width, count))


def _kedro(folder: Path, pipeline: str, params: str) -> tuple[float, int, float]:
    """Seconds, peak of the resident bytes, and seconds of the mapping alone."""
    environment = {
        **os.environ,
        "BDGF_DATA": str(folder / "raw"),
        "DO_NOT_TRACK": "1",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "kedro", "run", f"--pipeline={pipeline}", "--params", params]
    started, peak = time.monotonic(), 0
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(_LOOK_SECONDS)
    seconds = time.monotonic() - started
    text = (folder / "log").read_text()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ends with {process.returncode}:\n{text[-3000:]}")
    lines = [line for line in text.splitlines() if "mapping " in line and " pixels in " in line]
    return seconds, peak, _seconds(lines[-1]) if lines else seconds


def _seconds(line: str) -> float:
    """Of the progress bar's last words: "8 s", "2:05 min", "1:03 h"."""
    number, unit = line.split(" pixels in ")[1].split()[:2]
    whole, _, part = number.partition(":")
    each = {"s": 1, "min": 60, "h": 3600}[unit]
    return float(whole) * each + float(part or 0) * each / 60


def _resident(pid: int) -> int:
    total = 0
    try:
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            try:
                total += one.memory_full_info().pss  # what is shared counts once
            except psutil.NoSuchProcess:
                continue
    except psutil.NoSuchProcess:
        return total
    return total


if __name__ == "__main__":
    sys.exit(main())
