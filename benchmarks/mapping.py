"""`python -m benchmarks.mapping`: memory and time of `predict` on rasters of several sizes.

A fabricated landscape of 15 channels is repeated to rasters of the sizes asked for, as GeoTIFFs. A
model is trained on one piece of it. `kedro run --pipeline=predict` maps each raster.

With `--folder` the project is kept. A benchmark that is stopped goes on with the same command: the
map resumes with its next block. Seconds of the parts are added up, and their peaks' maximum counts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.children import clean_up_when_ended
from benchmarks.kedro_process import MIB, Run, Stopped, run_kedro
from benchmarks.repeated_scene import Raster, add_piece, add_scenes, new_project, raster_name, sizes

FAST = "inference.fast=true"
MEASURED = "measured.json"
"""File of a folder: the parts of each run, the training's too."""


def main() -> int:
    """Parses the command line, measures, prints a line for each raster."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mapping", description=__doc__)
    parser.add_argument("--sizes", default="1000x1000,5000x5000,2000x10980")
    parser.add_argument("--models", default="random_forest")
    parser.add_argument("--fast-sizes", default="", help="Of maps with a distilled network too")
    parser.add_argument("--params", default="", help="More for predict, as of kedro run")
    parser.add_argument("--train-params", default="", help="More for the training")
    parser.add_argument("--output", type=Path, help="Takes the figures as JSON")
    parser.add_argument("--folder", type=Path, help="Keeps the project, to go on after a stop")
    options = parser.parse_args()
    clean_up_when_ended()
    fast_sizes = sizes(options.fast_sizes) if options.fast_sizes else []
    plans = [(size, "") for size in sizes(options.sizes)]
    plans += [(size, FAST) for size in fast_sizes]
    rows = []
    kept = nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory()
    with kept as name:
        folder = Path(name)
        _add_rasters(folder, [size for size, _ in plans])
        for model in options.models.split(","):
            first = f"dataset=piece,model={model}"
            measure(folder, "full", ",".join(filter(None, [first, options.train_params])))
            for size, more in plans:
                params = [f"{first},target={raster_name(*size)}", options.params, more]
                parts = measure(folder, "predict", ",".join(filter(None, params)))
                rows.append(row_of(f"{model}, fast" if more else model, size, parts))
                print(json.dumps(rows[-1]), flush=True)
    if options.output:
        options.output.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def measure(folder: Path, pipeline: str, params: str) -> list[dict[str, Any]]:
    """Runs a pipeline to its end, unless it is recorded; the parts of a run that was stopped count.

    Args:
        folder: The project, which takes the record.
        pipeline: The pipeline's name.
        params: As of `kedro run`.

    Raises:
        Stopped: This process is asked to end. The part until then is recorded.
    """
    path = folder / MEASURED
    recorded = json.loads(path.read_text()) if path.exists() else {}
    parts: list[dict[str, Any]] = recorded.setdefault(f"{pipeline} {params}", [])
    if parts and parts[-1]["finished"]:
        return parts

    def add(run: Run, finished: bool) -> None:
        part = {"peak": run.peak, "seconds": run.seconds, "cpu": run.cpu, "mapping": run.mapping}
        parts.append({**part, "finished": finished})
        path.write_text(json.dumps(recorded, indent=1) + "\n")

    try:
        add(run_kedro(folder, pipeline, params), True)
    except Stopped as stopped:
        add(stopped.run, False)
        raise
    return parts


def row_of(model: str, size: tuple[int, int], parts: list[dict[str, Any]]) -> dict[str, Any]:
    """What mapping a raster took, from the parts of its run.

    Args:
        model: The model's name.
        size: Rows and columns of the raster.
        parts: As of `measure`.
    """
    rows, columns = size
    return {
        "model": model,
        "size": f"{rows}x{columns}",
        "parts": len(parts),
        "peak_mib": round(max(part["peak"] for part in parts) / MIB),
        "seconds": round(sum(part["seconds"] for part in parts), 1),
        "cpu_seconds": round(sum(part["cpu"] for part in parts), 1),
        "pixels_per_second": round(rows * columns / sum(part["mapping"] for part in parts)),
    }


def _add_rasters(folder: Path, wanted: list[tuple[int, int]]) -> None:
    """Makes the project where there is none, with the rasters that it lacks."""
    if not (folder / "conf").exists():
        new_project(folder)
    described = folder / "conf" / "local" / "parameters_scenes"
    rasters = {raster_name(*size): Raster(*size) for size in wanted}
    makers = {name: partial(add_scenes, folder, {name: one}) for name, one in rasters.items()}
    for name, make in {"piece": partial(add_piece, folder, "piece"), **makers}.items():
        # A scene's description is written after its files: a stop in between leaves none.
        if not (described / f"{name}.yml").exists():
            shutil.rmtree(folder / "raw" / name, ignore_errors=True)
            make()


if __name__ == "__main__":
    sys.exit(main())
