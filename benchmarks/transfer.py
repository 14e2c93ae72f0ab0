"""How well a model maps land that it has no labels of: `python -m benchmarks.transfer coast zion`.

A scene is cut into halves, each a scene of its own: cropped files and a YAML file in a temporary
folder. A model is trained on one and maps the other, by `bdgf.fit`, `bdgf.load_model` and
`predict`, with the statistics of its training (`predict.adapt=none`) and with those of the target
(`statistics`). `crop`: the target is a window of the scene, whose labels are taken out of the
training. No label within `cut_scene.GAP` pixels of the target trains. Runs that are recorded are
not repeated.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import xarray as xr

import bdgf
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.evaluation.report import EvaluationSettings, measure
from bdgf.inference.map_model import MapModel
from bdgf.inference.map_model_folder import FILE
from bdgf.models.registry import model_entry
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.scene import LABELS, class_table
from bdgf.scenes.scene_windows import DatasetWindows
from bdgf.splits.settings import SplitSettings
from benchmarks.accuracy_records import (
    DOCUMENT,
    MEASURES,
    RECORDS,
    WORKING,
    add_records,
    fit_settings,
    means,
    parameters_of,
    per_cent,
    read_records,
    write_table,
)
from benchmarks.cut_scene import Part, cut_scene

PER_CLASS = 60
"""Training pixels of each class, the most that the official maps of `coast` and `zion` have."""
MODELS = ("bdgf", "bdgf_unguided", "random_forest", "random_forest_windows", "svm", "svm_windows")
ADAPT = ("none", "statistics")

NORTH, SOUTH, WHOLE = Part(bottom=0.5), Part(top=0.5), Part()
MIDDLE = Part(0.25, 0.75, 0.25, 0.75)
TRANSFERS = {
    "north to south": (NORTH, SOUTH),
    "south to north": (SOUTH, NORTH),
    "crop": (WHOLE, MIDDLE),
}
"""Name -> where labels are trained on, and what is mapped."""


def score(model: MapModel, target: xr.Dataset) -> dict[str, Any]:
    """The measures of a model's map on the labels of a target, by the names of the classes.

    Pixels of classes that the model does not know are not scored, as in `predict`.
    """
    labels, classes = target[LABELS].to_numpy(), class_table(target)
    ids = {name: number for number, name in enumerate(model.classes.names, 1)}
    truth = np.zeros(256, np.uint8)
    for number, name in zip(classes.ids, classes.names, strict=True):
        truth[number] = ids.get(name, 0)
    truth = truth[labels]
    found = model.predict(target)["probabilities"].to_numpy()
    scored = (truth > 0) & found.any(0)
    measured = measure(found[:, scored].T, truth[scored], model.classes, EvaluationSettings())
    recalls = {name: row["recall"] for name, row in measured["per_class"].items() if row["support"]}
    return {
        **{key: measured[key] for key in MEASURES},
        "recall": {name: round(recall, 4) for name, recall in recalls.items()},
        "scored": int(scored.sum()),
        "unknown": int(((labels > 0) & (truth == 0)).sum()),
    }


def measure_transfer(
    source: Path,
    target: Path,
    model: str,
    seed: int,
    parameters: dict[str, Any],
    working: Path,
) -> Iterator[dict[str, Any]]:
    """Trains on one scene's file and maps another's: a record for each way of `predict.adapt`.

    Args:
        source: YAML file of the scene that trains.
        target: YAML file of the scene that is mapped.
        model: The model's name.
        seed: Seed of all that is drawn, the training pixels too.
        parameters: The settings, as of a run.
        working: Folder that keeps denoisers and feature cubes.
    """
    scene, began = bdgf.open_scene(source), time.monotonic()
    settings = model_entry(model).model().settings
    own = parameters["baselines"].get(model, {})
    shared = fit_settings(parameters)
    fitted = bdgf.fit(
        scene,
        SplitSettings(name="per_class", per_class=PER_CLASS),
        model,
        seed=seed,
        own=None if settings is None else settings.model_validate(own),
        folder=working,
        **shared,
    )
    fit_seconds = time.monotonic() - began
    with TemporaryDirectory() as temporary:
        fitted.save(Path(temporary) / FILE)
        loaded = bdgf.load_model(temporary)
        mapped = bdgf.open_scene(target)
        for adapt in ADAPT:
            began = time.monotonic()
            used = loaded.adapted(DatasetWindows(mapped)) if adapt == "statistics" else loaded
            yield {
                "model": model,
                "adapt": adapt,
                "seed": seed,
                **score(used, mapped),
                "pretraining_steps": _steps(shared["pretrain"], scene) if fitted.guidance else 0,
                "seconds_training": round(fit_seconds),
                "seconds_mapping": round(time.monotonic() - began),
            }


def _steps(settings: PretrainSettings, scene: xr.Dataset) -> int:
    from bdgf.scenes.scene import valid_mask

    return settings.steps_for(int(valid_mask(scene).sum()))


def summary(records: Sequence[dict[str, Any]]) -> str:
    """A Markdown table: OA / AA / kappa in percent, means over the seeds."""
    keys = ("scene", "transfer", "model")
    lines = [
        "| scene | from, to | model | `adapt=none`: OA / AA / kappa "
        "| `adapt=statistics`: OA / AA / kappa | seeds | pretraining steps |",
        "|---|---|---|---|---|---|---|",
    ]
    found = means(records, (*keys, "adapt"))
    order = {name: number for number, name in enumerate(MODELS)}
    transfers = list(TRANSFERS)
    rows = sorted(
        {tuple(record[key] for key in keys) for record in records},
        key=lambda row: (row[0], transfers.index(row[1]), order.get(row[2], len(order))),
    )
    for row in rows:
        those = [one for one in records if tuple(one[key] for key in keys) == row]
        cells = [per_cent(found.loc[(*row, adapt), list(MEASURES)]) for adapt in ADAPT]
        seeds = ", ".join(map(str, sorted({one["seed"] for one in those})))
        steps = those[0]["pretraining_steps"] or "-"
        scene, transfer, model = row
        lines.append(
            f"| {scene} | {transfer} | `{model}` | {' | '.join(cells)} | {seeds} | {steps} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Parses the command line, trains and maps what is not recorded, writes record and table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", help="none: only the table, from what is recorded")
    parser.add_argument("--transfers", nargs="+", choices=TRANSFERS, default=list(TRANSFERS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--pretrain-steps", type=int, help="instead of the default")
    parser.add_argument("--env", default="local", help="environment of conf/ to take settings of")
    parser.add_argument("--record", type=Path, default=RECORDS / "transfer.json")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    parser.add_argument("--working", type=Path, default=WORKING)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    for scene, transfer in product(options.scenes, options.transfers):
        parameters = parameters_of(scene, options.env)
        if options.pretrain_steps is not None:
            parameters["pretrain"]["steps"] = options.pretrain_steps
        config = parse_scene_config(scene, parameters["scene"])
        folders = [
            Path(folder) / (config.folder or scene) for folder in parameters["ingest"]["folders"]
        ]
        train, mapped = TRANSFERS[transfer]
        with TemporaryDirectory() as temporary:
            source = cut_scene(config, folders, train, Path(temporary) / "trained", mapped)
            target = cut_scene(config, folders, mapped, Path(temporary) / "mapped")
            for seed, model in product(options.seeds, options.models):
                run = {"scene": scene, "transfer": transfer, "model": model, "seed": seed}
                if any(run.items() <= one.items() for one in read_records(options.record)):
                    continue
                found = measure_transfer(source, target, model, seed, parameters, options.working)
                add_records(options.record, [{**run, **record} for record in found])
                print(*run.values(), flush=True)
    table = summary(read_records(options.record))
    write_table(options.document, "transfer", table)
    print(table)


if __name__ == "__main__":
    main()
