"""A small map with all that a report shows of it."""

from dataclasses import replace

import numpy as np

from bdgf.evaluation.report import EvaluationSettings, measure
from bdgf.evaluation.report_page.map_result import MapResult, RunFacts
from bdgf.scenes.classes import ClassTable
from bdgf.splits.parts import PARTS, TEST, TRAIN

CLASSES = ClassTable.of(["water", "trees & <grass>", "road"])


def small_result(**changes) -> MapResult:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (12, 10)).astype(np.uint8)
    split = np.where(labels > 0, np.where(rng.random(labels.shape) < 0.2, TRAIN, TEST), 0)
    probabilities = rng.dirichlet((1, 1, 1), labels.shape)
    class_map = probabilities.argmax(2).astype(np.uint8) + 1
    test = split == TEST
    metrics = measure(probabilities[test], labels[test], CLASSES, EvaluationSettings())
    metrics |= {"leakage": 0.25, "patch": 5, "seed": 3}
    metrics["split"] = {"name": "official", "seed": 3, "train": 9, "validation": 0, "test": 80}
    result = MapResult(
        scene="demo",
        model="bdgf",
        lead="Split official, seed 3.",
        shape=(12, 10),
        step=1,
        classes=CLASSES,
        class_map=class_map,
        uncertainty=rng.random(labels.shape),
        pixels=np.bincount(class_map.ravel(), minlength=4)[1:],
        areas=np.array([1.5, 0.25, 1234.0]),
        metres=(5.0, 5.0),
        place="EPSG:32632",
        images={"optical, bands 2, 1, 0 of 0-2": rng.random((12, 10, 3))},
        labels=labels,
        scored=test,
        split=split,
        split_counts={
            name: np.bincount(labels[split == part], minlength=4)[1:]
            for name, part in PARTS.items()
        },
        votes={name: rng.integers(1, 4, labels.shape) for name in ("cnn", "mamba")},
        metrics=metrics,
        curves={"train/loss": [(1, 0.5), (2, 0.25)], "train/learning_rate": [(1, 0.1)]},
        balance={"masking rate": {"optical": 0.25, "sar": 0.5}},
        facts=RunFacts(
            [("train.epochs", "3", "40")],
            {"predict scene": 30.0, "train classifier": 90.0},
            {"commit": "0123abcd", "bdgf": "0.1.0"},
        ),
    )
    return replace(result, **changes)


UNSCORED = {
    **dict.fromkeys(("labels", "scored", "split", "split_counts", "metrics", "areas", "metres")),
    "place": "",
    "votes": {},
    "curves": {},
    "balance": {},
    "facts": RunFacts(),
}
"""What a map has that was only drawn, nobody knows where."""
