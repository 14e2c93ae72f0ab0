"""The demo scene from its landscape to its accuracies, on the device."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bdgf.core.weights import Weights
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.evaluation.report import EvaluationSettings, evaluate_predictions
from bdgf.features.cube import FeatureCube
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.inference.predict import predict
from bdgf.inference.settings import InferenceSettings
from bdgf.models.base import Execution, SceneInputs
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.registry import model_entry
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import LABELS, class_table
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from bdgf.training.devices import DeviceSettings, make_fabric
from benchmarks.children import ROOT
from benchmarks.gpu_check.closeness import synchronize
from benchmarks.gpu_check.record import Record, Setting
from benchmarks.scenes import base_settings

GOLDEN = ROOT / "tests" / "pipelines" / "golden" / "demo_metrics.json"
PUBLISHED = ROOT / "docs" / "notebook" / "2026-11-26-results" / "comparison_demo.csv"
MEASURES = ("overall_accuracy", "average_accuracy", "kappa")
GOLDEN_TOLERANCE = 0.05
"""A training of seconds, in another precision and with other draws of dropout."""
SEEDS, SPARE = 8, 1.15
SIZE, TINY = 96, 64
"""Sides of the scene in pixels, and in a rehearsal."""
Told = Callable[[str, float], None]


class Demo:
    """The scene of one environment and device; every step notes how long it took.

    Attributes:
        seconds: Of each stage.
    """

    def __init__(
        self, environment: str, device: str, folder: Path, told: Told, size: int = SIZE
    ) -> None:
        """Fabricates, prepares and splits the scene; `told` hears of every stage's seconds."""
        self.environment, self.device, self.folder, self.told = environment, device, folder, told
        self.devices = DeviceSettings.model_validate({"accelerator": device})
        self.seconds: dict[str, float] = {}
        self.train = base_settings("train", TrainSettings, environment)
        with self._stage("prepare"):
            scene = make_demo_scene(DemoSettings.model_validate({"size": size}))
            preparation = base_settings("preparation", PreparationSettings, environment)
            self.prepared: xr.Dataset = fit_preparation(scene, preparation).apply(scene)
            split = base_settings("split", SplitSettings, environment)
            self.split = make_split(self.prepared, split, 0, self.train.classifier.patch // 2)

    def pretrain(self, seed: int, **changes: Any) -> Weights:
        """The denoiser."""
        settings = base_settings("pretrain", PretrainSettings, self.environment, **changes)
        with self._stage("pretrain"):
            data = PretrainingData.of(self.prepared)
            return pretrain(data, settings, seed, devices=self.devices)

    def features(self, denoiser: Weights) -> FeatureCube:
        """The feature cube."""
        settings = base_settings("features", FeatureSettings, self.environment)
        path = self.folder / f"cube_{len(list(self.folder.iterdir()))}.h5"
        with self._stage("features"):
            fabric = make_fabric(self.devices)
            return extract_features(denoiser, self.prepared, settings, path, fabric=fabric)

    def score(self, model: str, cube: FeatureCube | None, seed: int, **changes: Any) -> Any:
        """Trains a model, draws its map and measures it on the test pixels."""
        inputs = SceneInputs(self.prepared, cube if model_entry(model).uses_features else None)
        train = self.train.model_copy(update=changes)
        with self._stage("train"):
            execution = Execution(self.devices)
            entry = model_entry(model).model()
            trained = entry.fit(inputs, self.split, train, None, seed, execution)
        settings = base_settings("inference", InferenceSettings, self.environment)
        with self._stage("map"):
            probabilities = predict(trained, inputs, settings, self.devices)
        with self._stage("evaluate"):
            return evaluate_predictions(
                np.asarray(probabilities),
                self.prepared[LABELS].to_numpy(),
                self.split,
                class_table(self.prepared),
                trained.config["patch"],
                seed,
                base_settings("evaluation", EvaluationSettings, self.environment),
            )

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        synchronize(self.device)
        self.seconds[name] = time.perf_counter() - start
        self.told(name, self.seconds[name])


def golden(setting: Setting, record: Record) -> None:
    """The metrics of the tests' settings, beside the golden ones, which a CPU gave."""
    with _demo("test", setting.device) as demo:
        metrics = demo.score("bdgf", demo.features(demo.pretrain(0)), 0)
        expected = json.loads(GOLDEN.read_text())
        for name in MEASURES:
            record.note(name, [metrics[name], expected[name]])
        for name in MEASURES[:2]:
            error = abs(metrics[name] - expected[name])
            record.check(f"{name} beside the golden one", error, GOLDEN_TOLERANCE)
        record.check("split", float(metrics["split"] != expected["split"]), 0)


def stages(setting: Setting, record: Record) -> None:
    """Seconds of each stage on the device and the CPU, equal and short work for both."""
    environment = "test" if setting.tiny else "base"
    steps, epochs, size = (4, 1, TINY) if setting.tiny else (60, 4, SIZE)
    work = {"pretrain": f"{steps} steps", "train": f"{epochs} epochs, at most twice"}
    found: dict[str, dict[str, float]] = {}
    # The first time on a GPU compiles and chooses kernels.
    runs = {"first": setting.device, "again": setting.device, "CPU": "cpu"}
    for run, device in runs.items():
        if setting.tiny and run != "CPU":
            continue

        def told(stage: str, seconds: float, run: str = run, device: str = device) -> None:
            of = work.get(stage, "all")
            record.row("each run", run=run, device=device, stage=stage, work=of, seconds=seconds)

        with _demo(environment, device, told, size) as demo:
            cube = demo.features(demo.pretrain(0, steps=steps))
            demo.score("bdgf", cube, 0, epochs=epochs)
            found[run] = demo.seconds
    for stage, seconds in found.get("again", {}).items():
        cpu = found["CPU"][stage]
        record.row(
            "beside each other", stage=stage, work=work.get(stage, "all"),
            first=found["first"][stage], again=seconds, cpu=cpu, times=cpu / seconds,
        )  # fmt: skip


def study(setting: Setting, record: Record) -> None:
    """`bdgf` beside `bdgf_unguided` over seeds, as many as the time allows."""
    began = time.monotonic()
    environment, models = ("test" if setting.tiny else "base"), ("bdgf", "bdgf_unguided")
    _note_published(record, models)
    changes, size = ({"epochs": 1}, TINY) if setting.tiny else ({}, SIZE)
    differences: list[float] = []
    longest = 0.0
    for seed in range(1 if setting.tiny else SEEDS):
        start = time.monotonic()
        if start - began + SPARE * longest > setting.seconds:
            record.note("stopped", f"no time for seed {seed}")
            break
        with _demo(environment, setting.device, size=size) as demo:
            cube = demo.features(demo.pretrain(seed))
            made = {name: demo.seconds[name] for name in ("pretrain", "features")}
            accuracies = []
            for model in models:
                metrics = demo.score(model, cube, seed, **changes)
                accuracies.append(metrics["overall_accuracy"])
                record.row(
                    "study", model=model, seed=seed, **{m: metrics[m] for m in MEASURES},
                    **(made if model == "bdgf" else {}), train=demo.seconds["train"],
                    map=demo.seconds["map"],
                )  # fmt: skip
        differences.append(100 * (accuracies[0] - accuracies[1]))
        longest = max(longest, time.monotonic() - start)
        record.note("points of OA, guided less unguided", _summary(differences))


def _summary(values: list[float]) -> dict[str, Any]:
    spread = statistics.stdev(values) if len(values) > 1 else None
    return {"seeds": len(values), "mean": statistics.mean(values), "deviation": spread}


def _note_published(record: Record, models: tuple[str, ...]) -> None:
    if not PUBLISHED.exists():
        return
    table = pd.read_csv(PUBLISHED)
    rows = table[table["variant"].isin(models)]
    record.note("published, on a CPU", json.loads(rows.iloc[:, :12].to_json(orient="records")))


@contextmanager
def _demo(
    environment: str, device: str, told: Told = lambda *_: None, size: int = SIZE
) -> Iterator[Demo]:
    with TemporaryDirectory() as folder:
        yield Demo(environment, device, Path(folder), told, size)
