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
from collections.abc import Callable, Sequence
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
from bdgf.inference.damaging import damaged_maps
from bdgf.inference.hiding import of_changed_scene
from bdgf.inference.predict import predict
from bdgf.inference.settings import InferenceSettings
from bdgf.models.base import Execution, SceneInputs
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
        folder: Where the files go.
        scenes: Names of scenes.
        seeds: The seeds.
        variants: Variants of the suite; none for all.
    """
    import yaml

    from bdgf.core.errors import SceneError
    from bdgf.experiments.suite import only_variants, plan_suite, read_suites, resolver
    from bdgf.pipelines.ingest.nodes import ingest_scene
    from bdgf.preprocessing.preparation import fit_preparation
    from bdgf.preprocessing.settings import PreparationSettings
    from bdgf.raster.streamed import StreamedDataset
    from bdgf.splits.settings import SplitSettings
    from bdgf.splits.split import make_split
    from benchmarks.accuracy_records import ROOT, parameters_of

    configured = yaml.safe_load((ROOT / "conf" / "base" / "bench.yml").read_text())
    suite = only_variants(name, read_suites(configured, [name])[name], variants)
    resolve = resolver(partial(parameters_of, environment="base"))
    folder.mkdir(parents=True, exist_ok=True)
    for number, run in enumerate(plan_suite(name, suite, scenes, seeds, resolve)):
        settings = resolve({k: v for k, v in run.params.items() if k != "seed"})
        scene = ingest_scene(settings["scene"], run.scene, settings["ingest"])
        if isinstance(scene, StreamedDataset):
            raise SceneError(f"{run.scene} is too large to be packed; choose a smaller scene")
        preparation = PreparationSettings.model_validate(settings["preparation"])
        prepared = fit_preparation(scene, preparation).apply(scene)
        margin = TrainSettings.model_validate(settings["train"]).classifier.patch // 2
        split = make_split(
            prepared, SplitSettings.model_validate(settings["split"]), run.seed, margin
        )
        packed = {
            "run": {"scene": run.scene, "variant": run.variant, "seed": run.seed},
            "model": settings["model"],
            "own": settings["baselines"].get(settings["model"]),
            "settings": {group: settings[group] for group in _GROUPS},
            "split": split.to_dict(data="array"),
        }
        _write(folder / f"{run.scene}.scene", prepared.load().to_dict(data="array"))
        _write(folder / f"{number:03d}.run", packed)


def measure(path: Path, device: str, threads: int) -> dict[str, Any]:
    """One run: its accuracies, those with a modality spoilt, and the seconds of each stage."""
    torch.set_num_threads(threads)
    packed = _read(path)
    prepared = xr.Dataset.from_dict(_read(path.with_name(f"{packed['run']['scene']}.scene")))
    split, seed = xr.DataArray.from_dict(packed["split"]), packed["run"]["seed"]
    settings, devices = packed["settings"], DeviceSettings.model_validate({"accelerator": device})
    features = FeatureSettings.model_validate(settings["features"])
    inference = InferenceSettings.model_validate(settings["inference"])
    evaluation = EvaluationSettings.model_validate(settings["evaluation"])
    entry, seconds, began = model_entry(packed["model"]), {}, time.perf_counter()

    def passed(stage: str) -> None:
        seconds[stage] = round(time.perf_counter() - began, 1)

    with TemporaryDirectory() as temporary:
        denoiser, cube = None, None
        if entry.uses_features:
            how = PretrainSettings.model_validate(settings["pretrain"])
            denoiser = pretrain(PretrainingData.of(prepared), how, seed, devices=devices)
            passed("pretrain")
            at = Path(temporary) / "cube.h5"
            cube = extract_features(denoiser, prepared, features, at, fabric=make_fabric(devices))
        inputs = SceneInputs(prepared, cube)
        train = TrainSettings.model_validate(settings["train"])
        model = entry.model()
        own = model.settings.model_validate(packed["own"]) if model.settings else None
        trained = model.fit(inputs, split, train, own, seed, Execution(devices))
        passed("train")
        labels, classes = prepared[LABELS].to_numpy(), class_table(prepared)
        asked = replace(inputs, wanted=labels > 0)
        shares = np.asarray(predict(trained, asked, inference, devices))
        patch = trained.config["patch"]
        found = evaluate_predictions(shares, labels, split, classes, patch, seed, evaluation)
        changed = partial(
            of_changed_scene, inputs, denoiser=denoiser, features=features,
            folder=Path(temporary), devices=devices, asked="evaluation.damage",
        )  # fmt: skip
        given = trained, prepared, labels > 0, changed, evaluation.damage, inference, devices
        test = (split.to_numpy() == TEST) & valid_mask(prepared)
        maps: dict[tuple[str, str], np.ndarray] = {}
        for (kind, modality), drawn in damaged_maps(*given):
            maps[kind, modality] = drawn[test]
        passed("maps")
    return {
        **packed["run"], **{key: found[key] for key in MEASURES}, "device": device,
        "damaged": measure_damaged(maps, labels[test], classes.count), "seconds": seconds,
    }  # fmt: skip


def run(folder: Path, out: Path, device: str, jobs: int, minutes: float) -> int:
    """Runs what is packed, as far as the time allows; returns 1 where runs are missing."""
    end, context = time.monotonic() + 60 * minutes, multiprocessing.get_context("spawn")
    out.mkdir(parents=True, exist_ok=True)
    waiting, made = sorted(folder.glob("*.run")), 0
    at_work: list[multiprocessing.context.SpawnProcess] = []
    wanted = len(waiting)
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
                made += 1
    finally:  # also where this process is asked to end
        for process in at_work:
            process.kill()
    print(f"{made} of {wanted} runs", flush=True)
    return int(made < wanted)


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
        f"| scene | variant | seeds | as it is | {' | '.join(kinds)} |",
        "|" + "---|" * (4 + len(kinds)),
    ]
    for scene, variant in dict.fromkeys((one["scene"], one["variant"]) for one in records):
        same = [one for one in records if (one["scene"], one["variant"]) == (scene, variant)]
        seeds = ", ".join(str(one["seed"]) for one in sorted(same, key=lambda one: one["seed"]))
        read: list[Callable[[dict[str, Any], str], float]] = [
            lambda one, measure: one[measure],
            *(partial(_spoilt, kind) for kind in kinds),
        ]
        cells = [
            " / ".join(
                f"{100 * mean(of(one, measure) for one in same):.1f}" for measure in MEASURES
            )
            for of in read
        ]
        lines.append(f"| {scene} | {variant} | {seeds} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spoilt(kind: str, one: dict[str, Any], measure: str) -> float:
    return mean(score[measure] for score in one["damaged"][kind].values())


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
    print(table([json.loads(line) for line in asked.records.read_text().splitlines()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
