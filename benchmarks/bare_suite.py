"""A suite's runs on a bare machine, many at once on one GPU, without Kedro and the scenes' files.

Where the project is installed, `python -m benchmarks.bare_suite pack SUITE FOLDER --scenes ...`
reads, prepares and splits the scenes. On the other machine `python -m benchmarks.bare_suite run
FOLDER OUT --jobs 6 --minutes 7` trains and measures, one process a run; what is done when the time
is over is in `OUT/runs.jsonl`. `python -m benchmarks.bare_suite table OUT/runs.jsonl` compares.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import xarray as xr

from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.evaluation.damage import measure_damaged
from bdgf.evaluation.report import EvaluationSettings, evaluate_predictions
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.inference.damaging import Changed, damaged_maps
from bdgf.inference.hiding import of_changed_scene
from bdgf.inference.predict import predict
from bdgf.inference.settings import InferenceSettings
from bdgf.models.base import Execution, SceneInputs, TrainedModel
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.registry import model_entry
from bdgf.scenes.scene import LABELS, class_table, valid_mask
from bdgf.splits.parts import TEST
from bdgf.training.devices import DeviceSettings, make_fabric
from benchmarks.children import clean_up_when_ended

RUNS = "runs.jsonl"
MEASURES = ("overall_accuracy", "average_accuracy")
_LOOK_SECONDS = 0.2
_GROUPS = ("pretrain", "features", "train", "inference", "evaluation")


def pack(
    name: str, folder: Path, scenes: Sequence[str], seeds: Sequence[int], variants: Sequence[str]
) -> None:
    """Writes a file for each prepared scene, and one a run: its split and all settings.

    Args:
        name: The suite.
        folder: Where the files go; nothing may be packed there yet.
        scenes: Names of scenes.
        seeds: The seeds.
        variants: Variants of the suite; none for all.
    """
    import yaml

    from bdgf.core.fingerprint import fingerprint
    from bdgf.experiments.suite import only_variants, plan_suite, read_suites, resolver
    from bdgf.splits.settings import SplitSettings
    from bdgf.splits.split import make_split
    from benchmarks.accuracy_records import ROOT, parameters_of

    if any(folder.glob("*.run")):
        raise SystemExit(f"{folder} holds packed runs already; choose another folder")
    configured = yaml.safe_load((ROOT / "conf" / "base" / "bench.yml").read_text())
    suite = only_variants(name, read_suites(configured, [name])[name], variants)
    resolve = resolver(partial(parameters_of, environment="base"))
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, xr.Dataset] = {}
    for number, run in enumerate(plan_suite(name, suite, scenes, seeds, resolve)):
        settings = resolve({k: v for k, v in run.params.items() if k != "seed"})
        decisive = [settings[group] for group in ("scene", "ingest", "preparation")]
        scene = f"{run.scene}_{fingerprint(*decisive)}.scene"
        if scene not in made:
            made[scene] = _prepared(run.scene, settings)
            _write(folder / scene, made[scene].to_dict(data="array"))
        margin = TrainSettings.model_validate(settings["train"]).classifier.patch // 2
        rule = SplitSettings.model_validate(settings["split"])
        packed = {
            "run": {"scene": run.scene, "variant": run.variant, "seed": run.seed},
            "model": settings["model"],
            "own": settings["baselines"].get(settings["model"]),
            "settings": {group: settings[group] for group in _GROUPS},
            "scene": scene,
            "split": make_split(made[scene], rule, run.seed, margin).to_dict(data="array"),
        }
        _write(folder / f"{number:03d}.run", packed)


def _prepared(name: str, settings: dict[str, Any]) -> xr.Dataset:
    from bdgf.core.errors import SceneError
    from bdgf.pipelines.ingest.nodes import ingest_scene
    from bdgf.preprocessing.preparation import fit_preparation
    from bdgf.preprocessing.settings import PreparationSettings
    from bdgf.raster.streamed import StreamedDataset

    scene = ingest_scene(settings["scene"], name, settings["ingest"])
    if isinstance(scene, StreamedDataset):
        raise SceneError(f"{name} is too large to be packed; choose a smaller scene")
    preparation = PreparationSettings.model_validate(settings["preparation"])
    return fit_preparation(scene, preparation).apply(scene).load()


def measure(path: Path, device: str, threads: int) -> dict[str, Any]:
    """One run: its accuracies, those with a modality spoilt, and the seconds of each stage."""
    torch.set_num_threads(threads)
    packed = _read(path)
    prepared = xr.Dataset.from_dict(_read(path.with_name(packed["scene"])))
    split, seed = xr.DataArray.from_dict(packed["split"]), packed["run"]["seed"]
    settings, devices = packed["settings"], DeviceSettings.model_validate({"accelerator": device})
    features = FeatureSettings.model_validate(settings["features"])
    entry = model_entry(packed["model"])
    seconds: dict[str, float] = {}
    with TemporaryDirectory() as temporary:
        denoiser, cube = None, None
        if entry.uses_features:
            how = PretrainSettings.model_validate(settings["pretrain"])
            with _timed("pretrain", seconds):
                denoiser = pretrain(PretrainingData.of(prepared), how, seed, devices=devices)
            at = Path(temporary) / "cube.h5"
            with _timed("features", seconds):
                fabric = make_fabric(devices)
                cube = extract_features(denoiser, prepared, features, at, fabric=fabric)
        inputs, model = SceneInputs(prepared, cube), entry.model()
        train = TrainSettings.model_validate(settings["train"])
        own = model.settings.model_validate(packed["own"]) if model.settings else None
        with _timed("train", seconds):
            trained = model.fit(inputs, split, train, own, seed, Execution(devices))
        changed = partial(
            of_changed_scene, inputs, denoiser=denoiser, features=features,
            folder=Path(temporary), devices=devices, asked="evaluation.damage",
        )  # fmt: skip
        with _timed("maps", seconds):
            scores = _scores(trained, inputs, split, changed, packed, devices)
    return {**packed["run"], "device": device, **scores, "seconds": seconds}


def _scores(
    trained: TrainedModel,
    inputs: SceneInputs,
    split: xr.DataArray,
    changed: Changed,
    packed: dict[str, Any],
    devices: DeviceSettings,
) -> dict[str, Any]:
    settings, seed = packed["settings"], packed["run"]["seed"]
    inference = InferenceSettings.model_validate(settings["inference"])
    evaluation = EvaluationSettings.model_validate(settings["evaluation"])
    prepared, classes = inputs.prepared, class_table(inputs.prepared)
    labels = prepared[LABELS].to_numpy()
    shares = np.asarray(predict(trained, replace(inputs, wanted=labels > 0), inference, devices))
    patch = trained.config["patch"]
    found = evaluate_predictions(shares, labels, split, classes, patch, seed, evaluation)
    given = trained, prepared, labels > 0, changed, evaluation.damage, inference, devices
    test = (split.to_numpy() == TEST) & valid_mask(prepared)
    maps: dict[tuple[str, str], np.ndarray] = {}
    for (kind, modality), drawn in damaged_maps(*given):
        maps[kind, modality] = drawn[test]
    damaged = measure_damaged(maps, labels[test], classes.count)
    return {**{key: found[key] for key in MEASURES}, "damaged": damaged}


@contextmanager
def _timed(stage: str, seconds: dict[str, float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - began, 1)


def run(folder: Path, out: Path, device: str, jobs: int, minutes: float) -> int:
    """Runs what is packed and not recorded yet, as far as the time allows.

    Args:
        folder: What `pack` wrote.
        out: Takes the records.
        device: `cuda` or `cpu`.
        jobs: Runs at a time.
        minutes: Time for all of them.

    Returns:
        The exit code: 1 where runs are missing.
    """
    end, context = time.monotonic() + 60 * minutes, multiprocessing.get_context("spawn")
    out.mkdir(parents=True, exist_ok=True)
    known = read(out / RUNS) if (out / RUNS).exists() else []
    packed = {path: _read(path)["run"].items() for path in sorted(folder.glob("*.run"))}
    waiting = [p for p, asked in packed.items() if not any(asked <= one.items() for one in known)]
    missing = len(waiting)
    at_work: list[multiprocessing.context.SpawnProcess] = []
    found = context.Queue()
    try:
        while (waiting or at_work) and time.monotonic() < end:
            while waiting and len(at_work) < jobs:
                process = context.Process(target=_child, args=(waiting.pop(0), device, found))
                process.start()
                at_work.append(process)
            at_work = [process for process in at_work if process.is_alive()]
            time.sleep(_LOOK_SECONDS)
            while not found.empty():
                with (out / RUNS).open("a") as file:
                    file.write(json.dumps(found.get()) + "\n")
                missing -= 1
    finally:  # also where this process is asked to end
        for process in at_work:
            process.kill()
    print(f"{len(packed) - missing} of {len(packed)} runs", flush=True)
    return int(missing > 0)


def read(file: Path) -> list[dict[str, Any]]:
    """The records of a file of `run`."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def _write(path: Path, what: dict[str, Any]) -> None:
    # Plain arrays and values: libraries of the other machine may be of other versions.
    path.write_bytes(gzip.compress(pickle.dumps(what, protocol=5)))


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = pickle.loads(gzip.decompress(path.read_bytes()))  # written by `pack`
    return found


def _child(path: Path, device: str, found: Any) -> None:
    outcome = measure(path, device, threads=1)
    print(json.dumps(outcome), flush=True)
    found.put(outcome)


def table(records: Sequence[dict[str, Any]]) -> str:
    """A Markdown table: OA / AA a scene and variant, means over the seeds, spoilt or not."""
    kinds = list(dict.fromkeys(kind for one in records for kind in one["damaged"]))
    lines = [
        f"| scene | variant | seeds | {' | '.join(['as it is', *kinds])} |",
        "|" + "---|" * (4 + len(kinds)),
    ]
    for scene, variant in dict.fromkeys((one["scene"], one["variant"]) for one in records):
        same = [one for one in records if (one["scene"], one["variant"]) == (scene, variant)]
        seeds = ", ".join(map(str, sorted(one["seed"] for one in same)))
        spoilt = [[each for one in same for each in _of_kind(one, kind)] for kind in kinds]
        cells = " | ".join(_cell(scores) for scores in [same, *spoilt])
        lines.append(f"| {scene} | {variant} | {seeds} | {cells} |")
    return "\n".join(lines)


def _of_kind(one: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    # Each modality counts alike; where nothing was left to see, there is no accuracy.
    scores = one["damaged"].get(kind, {}).values()
    return [score for score in scores if score["overall_accuracy"] is not None]


def _cell(scores: Sequence[dict[str, Any]]) -> str:
    if not scores:
        return "-"
    return " / ".join(f"{100 * mean(one[measure] for one in scores):.1f}" for measure in MEASURES)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("suite")
    packing.add_argument("folder", type=Path)
    packing.add_argument("--scenes", nargs="+", required=True)
    packing.add_argument("--seeds", nargs="+", type=int, default=[0])
    packing.add_argument("--variants", nargs="+", default=[])
    running = commands.add_parser("run")
    running.add_argument("folder", type=Path)
    running.add_argument("out", type=Path)
    running.add_argument("--device", default="cuda")
    running.add_argument("--jobs", type=int, default=6)
    running.add_argument("--minutes", type=float, default=7)
    telling = commands.add_parser("table")
    telling.add_argument("records", type=Path)
    asked = parser.parse_args()
    if asked.command == "pack":
        pack(asked.suite, asked.folder, asked.scenes, asked.seeds, asked.variants)
        return 0
    if asked.command == "run":
        clean_up_when_ended()
        return run(asked.folder, asked.out, asked.device, asked.jobs, asked.minutes)
    print(table(read(asked.records)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
