"""A suite of two variants, its runs, and what they came to."""

import numpy as np

from bdgf.experiments.comparison import MEASURES
from bdgf.experiments.records import PixelCorrectness, Record
from bdgf.experiments.suite import PlannedRun, Suite

SUITE = Suite.model_validate(
    {"title": "t", "reference": "a", "variants": [{"name": "a", "group": "g"}, {"name": "b"}]}
)


def planned(row, scene, seed):
    return PlannedRun("own", row, scene, seed, {"seed": seed}, f"{row}{scene}{seed}", None)


PLAN = [planned(row, scene, seed) for scene in ("x", "y") for row in "ab" for seed in (0, 1)]


def record(run):
    rng = np.random.default_rng([run.seed, ord(run.variant), ord(run.scene)])
    correct = rng.random(60) < 0.7
    metrics = {name: float(rng.random()) for name in (*MEASURES, "leakage")}
    split = {"name": "official", "test": 60}
    return (
        Record(run.fingerprint, run.scene, run.seed, "bdgf", run.params, metrics, split,
               3.0, 1, 500, False, f"mlflow-{run.fingerprint}", "0", "now"),
        PixelCorrectness(np.arange(60, dtype=np.uint32), correct),
    )  # fmt: skip
