"""`python -m benchmarks.scale_curves`: how time and memory of each stage grow with a scene.

`kedro run --pipeline=full` runs on fabricated scenes, of which pixels, channels, labels or classes
differ from `BASE`. From the processor time of each stage follows its exponent. A run that is
recorded is not repeated; `docs/benchmarks/scale.json` keeps each as soon as it ends.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import machine, scale_page
from benchmarks.children import ROOT, clean_up_when_ended
from benchmarks.full_run import FEW_STEPS
from benchmarks.kedro_process import MIB, run_kedro
from benchmarks.repeated_scene import Raster, add_scenes, new_project

FOLDER = ROOT / "docs" / "benchmarks"
BASE = Raster(500, 500, labels=500)
AXES: dict[str, list[Raster]] = {
    "pixels": [replace(BASE, rows=side, columns=side) for side in (224, 500, 1000, 2000, 5000)],
    "channels": [replace(BASE, channels=count) for count in (5, 15, 50, 150, 400)],
    "labels": [replace(BASE, labels=count) for count in (50, 500, 5_000, 50_000)],
    "classes": [replace(BASE, labels=2_000, classes=count) for count in (2, 6, 30, 100)],
}
"""Scenes by what grows in them."""
MODELS = ("random_forest", "svm", "bdgf")
SPLIT = "split.name=fraction,split.fraction=0.5"
"""Half of the labels train, so that training grows with them."""


def amount(axis: str, raster: Raster) -> int:
    """How much of what grows a scene has."""
    return raster.rows * raster.columns if axis == "pixels" else int(getattr(raster, axis))


def main() -> int:
    """Parses the command line, measures what is not recorded, writes page and figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_curves", description=__doc__)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--axes", default=",".join(AXES))
    parser.add_argument("--most-pixels", type=int, default=4_000_000, help="of a scene")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of page and records")
    parser.add_argument("--again", action="store_true", help="repeat recorded runs")
    parser.add_argument("--table", action="store_true", help="run nothing; write page and figure")
    options = parser.parse_args()
    clean_up_when_ended()
    axes, models = options.axes.split(","), options.models.split(",")
    if unknown := set(axes) - set(AXES):
        parser.error(f"no axis {', '.join(sorted(unknown))}; there are {', '.join(AXES)}")
    if unknown := set(models) - set(MODELS):
        parser.error(f"no model {', '.join(sorted(unknown))}; there are {', '.join(MODELS)}")
    runs = scale_page.read(options.output)
    done = set() if options.again else {scale_page.key(run) for run in runs}
    for axis, model in ((axis, model) for axis in axes for model in models):
        for raster in AXES[axis]:
            key = (model, axis, amount(axis, raster))
            if options.table or key in done or raster.rows * raster.columns > options.most_pixels:
                continue
            run = _measured(*key, raster)
            runs = [one for one in runs if scale_page.key(one) != key] + [run]
            scale_page.keep(options.output, runs)
            print(json.dumps(run), flush=True)
    scale_page.write(options.output, runs, list(AXES))
    return 0


def _measured(model: str, axis: str, count: int, raster: Raster) -> dict[str, Any]:
    """Runs `full` on a scene in a project of its own."""
    with tempfile.TemporaryDirectory(prefix="bdgf-scale-") as name:
        folder = Path(name) / "project"
        new_project(folder)
        add_scenes(folder, {"scaled": raster})
        given = ("dataset=scaled", f"model={model}", SPLIT, FEW_STEPS.get(model, ""))
        run = run_kedro(folder, "full", ",".join(filter(None, given)))
    described = machine.description()
    return {
        "model": model,
        "axis": axis,
        "amount": count,
        "rows": raster.rows,
        "columns": raster.columns,
        "channels": raster.channels,
        "labels": raster.labels,
        "classes": raster.classes,
        "seconds": round(run.seconds, 1),
        "cpu_seconds": round(run.cpu, 1),
        "peak_mib": round(run.peak / MIB),
        "stages": {
            stage: {"cpu_seconds": round(part.cpu, 2), "peak_mib": round(part.peak / MIB)}
            for stage, part in run.stages.items()
        },
        **{key: described[key] for key in ("date", "commit", "processor", "threads")},
    }


if __name__ == "__main__":
    sys.exit(main())
