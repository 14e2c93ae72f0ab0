"""`python -m benchmarks.mapping`: memory and time of `predict` on rasters of several sizes.

A fabricated landscape of 15 channels is repeated to rasters of the sizes asked for, as GeoTIFFs. A
model is trained on one piece of it. `kedro run --pipeline=predict` maps each raster in a process
of its own, whose resident memory (that of its children too) is looked at five times a second. Its
processor time tells how the work grows with the pixels, even where other work runs beside.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
MIB = 2**20


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
        write_project(folder, sizes)
        for model in options.models.split(","):
            first = f"dataset=piece,model={model}"
            run_kedro(folder, "full", ",".join(filter(None, [first, options.train_params])))
            for rows_, columns in sizes:
                params = f"{first},target=raster_{rows_}x{columns}"
                given = ",".join(filter(None, [params, options.params]))
                run = run_kedro(folder, "predict", given)
                rows.append(
                    {
                        "model": model,
                        "size": f"{rows_}x{columns}",
                        "peak_mib": round(run.peak / MIB),
                        "seconds": round(run.seconds, 1),
                        "cpu_seconds": round(run.cpu, 1),
                        "pixels_per_second": round(rows_ * columns / run.mapping),
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
    if options.output:
        options.output.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def write_project(
    folder: Path, sizes: Sequence[tuple[int, int]], labels: int | None = None
) -> None:
    """A project's folder with fabricated scenes `raster_<rows>x<columns>`, and `piece`.

    Args:
        folder: Takes it; empty, or not there.
        sizes: (rows, columns) of the scenes.
        labels: Pixels with labels in each, spread evenly; None labels the first piece of each.
    """
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
        known = scene[OFFICIAL_TRAIN if name != "piece" else LABELS].to_numpy()
        if labels is not None and name != "piece":
            known = _spread(scene[LABELS].to_numpy(), shape, labels)
        map_ = np.zeros((*shape, 1), np.uint8)
        map_[: len(known), : known.shape[1], 0] = known
        _tiled(place / "labels.tif", map_, shape)
        (scenes / f"{name}.yml").write_text(yaml.safe_dump({name: configured}))


def _spread(piece: np.ndarray, shape: tuple[int, int], count: int) -> np.ndarray:
    """(H, W) labels of the repeated piece on `count` pixels, as many of each class."""
    rng = np.random.default_rng(0)
    map_, ids = np.zeros(shape, np.uint8), np.unique(piece[piece > 0])
    for number, class_id in enumerate(ids):
        rows, columns = np.nonzero(piece == class_id)
        for _ in range(count // len(ids) + (number < count % len(ids))):
            which = rng.integers(len(rows))
            tall = (shape[0] - 1 - rows[which]) // _PIECE + 1
            wide = (shape[1] - 1 - columns[which]) // _PIECE + 1
            row = rows[which] + _PIECE * rng.integers(tall)
            map_[row, columns[which] + _PIECE * rng.integers(wide)] = class_id
    return map_


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


@dataclass(frozen=True)
class Run:
    """What a run took.

    Attributes:
        seconds: From its start to its end.
        cpu: Processor seconds of the process and the children that it waited for.
        peak: Most bytes that it and its children held resident together.
        mapping: Seconds of the mapping alone, where it mapped; else `seconds`.
        stages: Peak and seconds by what `starts` names, in order.
    """

    seconds: float
    cpu: float
    peak: int
    mapping: float
    stages: dict[str, tuple[int, float]]


def run_kedro(
    folder: Path, pipeline: str, params: str, starts: re.Pattern[str] | None = None
) -> Run:
    """Runs a pipeline in the project `folder` and looks at its memory meanwhile.

    Args:
        folder: The project.
        pipeline: The pipeline's name.
        params: As of `kedro run`.
        starts: A line of the log with it begins a stage, named by its first group.
    """
    environment = {
        **os.environ,
        "BDGF_DATA": str(folder / "raw"),
        "DO_NOT_TRACK": "1",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "kedro", "run", f"--pipeline={pipeline}", "--params", params]
    started, stages, stage = time.monotonic(), {}, "start"
    cpu_before = _cpu_of_children()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        while process.poll() is None:
            now = time.monotonic()
            if starts is not None:
                stage = ["start", *starts.findall((folder / "log").read_text())][-1]
            peak, first, _ = stages.get(stage, (0, now, now))
            stages[stage] = (max(peak, _resident(process.pid)), first, time.monotonic())
            time.sleep(_LOOK_SECONDS)
    seconds = time.monotonic() - started
    text = (folder / "log").read_text()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ends with {process.returncode}:\n{text[-3000:]}")
    lines = [line for line in text.splitlines() if "mapping " in line and " pixels in " in line]
    return Run(
        seconds,
        _cpu_of_children() - cpu_before,
        max(peak for peak, _, _ in stages.values()),
        _seconds(lines[-1]) if lines else seconds,
        {name: (peak, last - first) for name, (peak, first, last) in stages.items()},
    )


def _cpu_of_children() -> float:
    """Processor seconds of the children that have ended and were waited for."""
    times = os.times()
    return times.children_user + times.children_system


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
