"""How near the fast network comes to its model: `python -m benchmarks.fast_agreement coast demo`.

Trains the method on a scene's own split, distils its fast network (`inference.fast`), draws the
scene with both, and scores both maps on the test pixels. `--steps` distils with several lengths of
training. What is recorded of a scene, seed and length is not repeated.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import bdgf
from bdgf.evaluation.report import evaluate_predictions
from bdgf.inference.fast.settings import DistilSettings
from bdgf.inference.map_model import MapModel
from bdgf.inference.settings import InferenceSettings
from bdgf.pipelines.ingest.nodes import ingest_scene
from bdgf.scenes.scene import LABELS, class_table
from bdgf.splits.parts import TEST
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from benchmarks.accuracy_records import (
    MEASURES,
    ROOT,
    WORKING,
    add_records,
    fit_settings,
    is_recorded,
    parameters_of,
    per_cent,
    read_records,
    write_table,
)

DOCUMENT = ROOT / "docs" / "notebook" / "2026-11-28-fast-lessons.md"
RECORD, TABLE = "agreement.json", "fast_scenes"
WAYS = ("model", "fast")
"""What draws the map."""


def measure(
    scene: str, seed: int, lengths: Sequence[int], parameters: dict[str, Any], working: Path
) -> Iterator[dict[str, Any]]:
    """Trains once, distils with each length, draws the maps and compares them.

    Args:
        scene: The scene's name.
        seed: Seed of all that is drawn.
        lengths: Steps of a distillation.
        parameters: The settings, as of a run.
        working: Folder that keeps denoisers and feature cubes.

    Yields:
        By `model` and `fast` the measures on the test pixels, the calibration error and pixels per
        second of processor time; `agreement` of the classes on the whole map, `agreement_test` on
        the test pixels, `agreement_held_out` on pixels that did not teach; the scene's pixels and
        seconds of processor time of the training and the distillation.
    """
    data = ingest_scene(parameters["scene"], scene, parameters["ingest"])
    assert isinstance(data, xr.Dataset)
    shared = fit_settings(parameters)
    choice = SplitSettings.model_validate(parameters["split"])
    split = make_split(data, choice, seed, shared["train"].classifier.patch // 2)
    began = time.process_time()
    model = bdgf.fit(data, split, seed=seed, folder=working, **shared)
    fitted = time.process_time() - began
    drawn, of_model = _drawn(model, data, split, seed, InferenceSettings())
    valid, test = drawn > 0, split.to_numpy() == TEST
    settings = DistilSettings.model_validate(parameters["distil"])
    for steps in lengths:
        began = time.process_time()
        taught = model.distilled(data, settings.model_copy(update={"steps": steps}), seed=seed)
        distilled = time.process_time() - began
        assert taught.fast is not None
        found, of_fast = _drawn(taught, data, split, seed, InferenceSettings(fast=True))
        same = found == drawn
        yield {
            "scene": scene,
            "seed": seed,
            "steps": steps,
            "guided": model.guidance is not None,
            "seconds_fit": fitted,
            "seconds_distil": distilled,
            "model": of_model,
            "fast": of_fast,
            "pixels": int(valid.sum()),
            "agreement": float(same[valid].mean()),
            "agreement_test": float(same[test & valid].mean()),
            "agreement_held_out": float(taught.fast.report["agreement"]),
        }


def _drawn(
    model: MapModel, data: xr.Dataset, split: xr.DataArray, seed: int, settings: InferenceSettings
) -> tuple[np.ndarray, dict[str, float]]:
    """(H, W) classes of a map, and its measures and speed."""
    began = time.process_time()
    maps = model.predict(data, settings)
    probabilities = maps["probabilities"].to_numpy()
    seconds = time.process_time() - began
    classes = maps["class_map"].to_numpy()
    patch = int(model.classifier.config["patch"])
    scores = evaluate_predictions(
        *(probabilities, data[LABELS].to_numpy(), split, class_table(data), patch, seed)
    )
    return classes, {
        **{key: scores[key] for key in (*MEASURES, "calibration_error")},
        "pixels_per_second": float((classes > 0).sum() / seconds),
    }


def summary(records: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, a row a scene, seed and length."""
    lines = [
        "| scene | seed | steps | model: OA / AA | fast network: OA / AA | agreement: map / "
        "test pixels / held-out blocks | calibration error, model / fast | pixels per second, "
        "model / fast |",
        "|---" * 8 + "|",
    ]
    accuracies = ("overall_accuracy", "average_accuracy")
    agreements = ("agreement", "agreement_test", "agreement_held_out")
    for one in sorted(records, key=lambda one: (one["scene"], one["seed"], one["steps"])):
        ways = [one[way] for way in WAYS]
        scores = " | ".join(per_cent(way[key] for key in accuracies) for way in ways)
        errors = per_cent(way["calibration_error"] for way in ways)
        speeds = " / ".join(f"{way['pixels_per_second']:,.0f}" for way in ways)
        lines.append(
            f"| {one['scene']} | {one['seed']} | {one['steps']:,} | {scores} | "
            f"{per_cent(one[key] for key in agreements)} | {errors} | {speeds} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Parses the command line, measures what is not recorded, writes record and table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", nargs="*", help="none: only the table, from what is recorded")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--steps", type=int, nargs="+", help="Of distillations; none: `distil.steps`"
    )
    parser.add_argument("--env", default="local", help="environment of conf/ to take settings of")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    parser.add_argument("--working", type=Path, default=WORKING)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    record = options.document.with_suffix("") / RECORD
    for scene, seed in product(options.scenes, options.seeds):
        parameters = parameters_of(scene, options.env)
        lengths = [
            steps
            for steps in options.steps or [int(parameters["distil"]["steps"])]
            if not is_recorded(record, {"scene": scene, "seed": seed, "steps": steps})
        ]
        if lengths:
            for found in measure(scene, seed, lengths, parameters, options.working):
                add_records(record, [found])
                print(scene, seed, found["steps"], flush=True)
    table = summary(read_records(record))
    write_table(options.document, TABLE, table)
    print(table)


if __name__ == "__main__":
    main()
