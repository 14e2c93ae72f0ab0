"""How near the fast network comes to its model: `python -m benchmarks.fast_agreement coast demo`.

Trains the method on a scene's own split, distils its fast network (`inference.fast`), draws the
scene with both, and scores both maps on the test pixels. A scene and seed that are recorded are not
repeated.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import bdgf
from bdgf.evaluation.report import evaluate_predictions
from bdgf.inference.fast.settings import DistilSettings
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

DOCUMENT = ROOT / "docs" / "notebook" / "2026-11-28-fast-scenes.md"
RECORD, TABLE = "agreement.json", "fast_scenes"
WAYS = {"model": InferenceSettings(), "fast": InferenceSettings(fast=True)}
"""How the map is drawn."""


def measure(scene: str, seed: int, parameters: dict[str, Any], working: Path) -> dict[str, Any]:
    """Trains, distils, draws both maps and compares them.

    Args:
        scene: The scene's name.
        seed: Seed of all that is drawn.
        parameters: The settings, as of a run.
        working: Folder that keeps denoisers and feature cubes.

    Returns:
        By `model` and `fast` the measures on the test pixels, the calibration error and pixels per
        second of processor time; `agreement` of the classes on the whole map, `agreement_test` on
        the test pixels, `agreement_held_out` on pixels that did not teach; the scene's pixels and
        seconds of processor time of the training and the distillation.
    """
    data = ingest_scene(parameters["scene"], scene, parameters["ingest"])
    shared = fit_settings(parameters)
    choice = SplitSettings.model_validate(parameters["split"])
    split = make_split(data, choice, seed, shared["train"].classifier.patch // 2)
    began = time.process_time()
    model = bdgf.fit(data, split, seed=seed, folder=working, **shared)
    fitted = time.process_time()
    model = model.distilled(data, DistilSettings.model_validate(parameters["distil"]), seed=seed)
    found: dict[str, Any] = {
        "scene": scene,
        "seed": seed,
        "guided": model.guidance is not None,
        "seconds_fit": fitted - began,
        "seconds_distil": time.process_time() - fitted,
    }
    classes = {}
    for way, inference in WAYS.items():
        began = time.process_time()
        maps = model.predict(data, inference)
        probabilities = maps["probabilities"].to_numpy()
        seconds = time.process_time() - began
        classes[way] = maps["class_map"].to_numpy()
        drawn = classes[way] > 0
        patch = int(model.classifier.config["patch"])
        scores = evaluate_predictions(
            *(probabilities, data[LABELS].to_numpy(), split, class_table(data), patch, seed)
        )
        found[way] = {
            **{key: scores[key] for key in (*MEASURES, "calibration_error")},
            "pixels_per_second": float(drawn.sum() / seconds),
        }
    same, test = classes["model"] == classes["fast"], split.to_numpy() == TEST
    assert model.fast is not None
    return {
        **found,
        "pixels": int(drawn.sum()),
        "agreement": float(same[drawn].mean()),
        "agreement_test": float(same[test & drawn].mean()),
        "agreement_held_out": float(model.fast.report["agreement"]),
    }


def summary(records: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, a row a scene and seed."""
    lines = [
        "| scene | seed | model: OA / AA | fast network: OA / AA | agreement: map / test pixels / "
        "held-out blocks | calibration error, model / fast | pixels per second, model / fast |",
        "|---" * 7 + "|",
    ]
    accuracies = ("overall_accuracy", "average_accuracy")
    agreements = ("agreement", "agreement_test", "agreement_held_out")
    for one in sorted(records, key=lambda one: (one["scene"], one["seed"])):
        ways = [one[way] for way in WAYS]
        scores = " | ".join(per_cent(way[key] for key in accuracies) for way in ways)
        errors = per_cent(way["calibration_error"] for way in ways)
        speeds = " / ".join(f"{way['pixels_per_second']:,.0f}" for way in ways)
        lines.append(
            f"| {one['scene']} | {one['seed']} | {scores} | "
            f"{per_cent(one[key] for key in agreements)} | {errors} | {speeds} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Parses the command line, measures what is not recorded, writes record and table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", nargs="*", help="none: only the table, from what is recorded")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--env", default="local", help="environment of conf/ to take settings of")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    parser.add_argument("--working", type=Path, default=WORKING)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    record = options.document.with_suffix("") / RECORD
    for scene, seed in product(options.scenes, options.seeds):
        if is_recorded(record, {"scene": scene, "seed": seed}):
            continue
        found = measure(scene, seed, parameters_of(scene, options.env), options.working)
        add_records(record, [found])
        print(scene, seed, flush=True)
    table = summary(read_records(record))
    write_table(options.document, TABLE, table)
    print(table)


if __name__ == "__main__":
    main()
