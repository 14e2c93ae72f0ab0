"""`python -m benchmarks.mapping`: memory and time of `predict` on rasters of several sizes.

A fabricated landscape of 15 channels is repeated to rasters of the sizes asked for, as GeoTIFFs. A
model is trained on one piece of it. `kedro run --pipeline=predict` maps each raster.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.children import clean_up_when_ended
from benchmarks.kedro_process import MIB, run_kedro
from benchmarks.repeated_scene import Raster, add_piece, add_scenes, new_project, raster_name, sizes

FAST = "inference.fast=true"


def main() -> int:
    """Parses the command line, measures, prints a line for each raster."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mapping", description=__doc__)
    parser.add_argument("--sizes", default="1000x1000,5000x5000,2000x10980")
    parser.add_argument("--models", default="random_forest")
    parser.add_argument("--fast-sizes", default="", help="Of maps with a distilled network too")
    parser.add_argument("--params", default="", help="More for predict, as of kedro run")
    parser.add_argument("--train-params", default="", help="More for the training")
    parser.add_argument("--output", type=Path, help="Takes the figures as JSON")
    options = parser.parse_args()
    clean_up_when_ended()
    fast_sizes = sizes(options.fast_sizes) if options.fast_sizes else []
    plans = [(size, "") for size in sizes(options.sizes)]
    plans += [(size, FAST) for size in fast_sizes]
    wanted = {raster_name(*size): Raster(*size) for size, _ in plans}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new_project(folder)
        add_piece(folder)
        add_scenes(folder, wanted)
        for model in options.models.split(","):
            first = f"dataset=piece,model={model}"
            run_kedro(folder, "full", ",".join(filter(None, [first, options.train_params])))
            for size, more in plans:
                params = [f"{first},target={raster_name(*size)}", options.params, more]
                run = run_kedro(folder, "predict", ",".join(filter(None, params)))
                rows.append(
                    {
                        "model": f"{model}, fast" if more else model,
                        "size": "x".join(map(str, size)),
                        "peak_mib": round(run.peak / MIB),
                        "seconds": round(run.seconds, 1),
                        "cpu_seconds": round(run.cpu, 1),
                        "pixels_per_second": round(size[0] * size[1] / run.mapping),
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
    if options.output:
        options.output.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
