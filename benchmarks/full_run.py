"""`python -m benchmarks.full_run`: memory and time of `full` on scenes of several sizes, by node.

A fabricated landscape of 15 channels in three modalities is repeated to scenes of the sizes asked
for, as GeoTIFFs; 300 pixels all over each have labels. `kedro run --pipeline=full` runs on each in
a process of its own, whose memory (that of its children too) is looked at five times a second.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.children import ROOT, clean_up_when_ended
from benchmarks.kedro_process import MIB, run_kedro
from benchmarks.repeated_scene import Raster, add_scenes, new_project, raster_name, sizes

LABELS = 300
FEW_STEPS = {
    "random_forest": "",
    "bdgf": "pretrain.steps=40,pretrain.denoiser.width=8,pretrain.denoiser.blocks=1,"
    "features.timesteps=[50],train.epochs=2,train.mutual_learning.consistency.start_epoch=1",
}
"""Networks that are trained shortly: what they hold and how time grows is what is asked."""


def main() -> int:
    """Parses the command line, measures, prints a line for each run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.full_run", description=__doc__)
    parser.add_argument("--sizes", default="1000x1000,5000x5000")
    parser.add_argument("--models", default="random_forest,bdgf")
    parser.add_argument("--params", default="", help="More, as of kedro run")
    parser.add_argument("--pipeline", default="full")
    parser.add_argument("--folder", type=Path, help="Where the scenes and all artifacts are kept")
    parser.add_argument("--output", type=Path, help="Takes the figures as JSON")
    options = parser.parse_args()
    clean_up_when_ended()
    wanted = sizes(options.sizes)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="bdgf-full-run-"))
    found = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "conf").exists():
            new_project(folder)
            add_scenes(
                folder, {raster_name(*size): Raster(*size, labels=LABELS) for size in wanted}
            )
        else:  # the scenes of an earlier call, with the settings of today
            shutil.copytree(ROOT / "conf" / "base", folder / "conf" / "base", dirs_exist_ok=True)
        for model in options.models.split(","):
            for rows, columns in wanted:
                name = raster_name(rows, columns)
                given = f"dataset={name},model={model}", FEW_STEPS.get(model, ""), options.params
                run = run_kedro(folder, options.pipeline, ",".join(filter(None, given)))
                found.append(
                    {
                        "model": model,
                        "size": f"{rows}x{columns}",
                        "peak_mib": round(run.peak / MIB),
                        "seconds": round(run.seconds, 1),
                        "cpu_seconds": round(run.cpu, 1),
                        "microseconds_a_pixel": round(1e6 * run.seconds / (rows * columns), 2),
                        "nodes": {
                            name: {
                                "peak_mib": round(stage.peak / MIB),
                                "seconds": round(stage.seconds, 1),
                            }
                            for name, stage in run.stages.items()
                        },
                    }
                )
                print(json.dumps(found[-1]), flush=True)
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
