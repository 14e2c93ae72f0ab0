"""What powers of heavy-tailed bands pay: `python -m benchmarks.powers trento_lidar --seeds 0 1`.

Models are trained on scenes that settings are chosen on, and scored on pixels that no result
reports: on blocks of the development scenes, on the own test pixels of `tuning`, and on blocks of
the official training pixels of all others (`split.name=training_blocks`). Runs that are recorded
are not repeated.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
import yaml
from sklearn.linear_model import LogisticRegression

from bdgf.evaluation.metrics import average_accuracy, confusion_matrix, kappa, overall_accuracy
from bdgf.models.base import SceneInputs
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.registry import model_entry
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest
from bdgf.scenes.scene import LABELS, class_table
from bdgf.splits.parts import NONE, TEST, TRAIN, VALIDATION
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from benchmarks.accuracy_records import (
    MEASURES,
    ROOT,
    add_records,
    is_recorded,
    means,
    parameters_of,
    per_cent,
    read_records,
    study_parser,
    write_table,
)

DOCUMENT = ROOT / "docs" / "notebook" / "2026-11-27-power-transform.md"
LOGISTIC = "logistic_regression"
MODELS = (LOGISTIC, "svm", "svm_windows", "random_forest", "random_forest_windows")
VARIANTS = ("power=never", "power=auto")

DEVELOPMENT = {"name": "spatial_blocks", "block": 28, "samples_per_class": 60}
"""Split of scenes that have no official maps; as in the suite `development`."""
SPLITS = dict.fromkeys(("muufl_lidar", "trento_lidar", "wake_landsat"), DEVELOPMENT) | {
    "tuning": {"name": "official"}
}
MOST_TESTED = 20_000
"""Test pixels that are scored; of more, so many are drawn."""
_TOLD = 2  # of the measures, the overall and the average accuracy


def measure(
    scene: xr.Dataset,
    split: xr.DataArray,
    model: str,
    variant: str,
    seed: int,
    own: Mapping[str, Any],
) -> dict[str, Any]:
    """Trains one model on the scene as a variant prepares it, and scores it on the test pixels.

    Args:
        scene: The scene.
        split: Its split.
        model: The model's name in the registry, or `LOGISTIC`.
        variant: A setting of the preparation and its value, `name=value`.
        seed: Seed of the model.
        own: The model's own settings.
    """
    began, (key, value) = time.monotonic(), variant.split("=")
    settings = PreparationSettings.model_validate({key: yaml.safe_load(value)})
    preparation = fit_preparation(scene, settings)
    prepared = preparation.apply(scene)
    tested = split.to_numpy() == TEST
    truth, classes = scene[LABELS].to_numpy(), class_table(scene).count
    if model == LOGISTIC:
        channels, _ = stack_channels(prepared)
        trains = np.isin(split.to_numpy(), (TRAIN, VALIDATION))
        machine = LogisticRegression(max_iter=500).fit(channels[:, trains].T, truth[trains])
        found = machine.predict(channels[:, tested].T)
    else:
        chosen = model_entry(model).model()
        settings_of = chosen.settings
        trained = chosen.fit(
            SceneInputs(prepared),
            split,
            TrainSettings(),
            None if settings_of is None else settings_of.model_validate(own),
            seed,
        )
        probabilities = trained.predict_map(SceneInputs(prepared, wanted=tested))
        found = probabilities[:, tested].argmax(0) + 1
    confusion = confusion_matrix(truth[tested], found, classes)
    measures = overall_accuracy(confusion), average_accuracy(confusion), kappa(confusion)
    powers = [t.powers for t in preparation.modalities.values()]
    return {
        **dict(zip(MEASURES, map(float, measures), strict=True)),
        "tested": int(tested.sum()),
        "powers": sum(int(p.changed.sum()) for p in powers if p is not None),
        "seconds": round(time.monotonic() - began, 1),
    }


def drawn_split(scene: xr.Dataset, name: str, seed: int) -> xr.DataArray:
    """The split that settings are chosen on, with at most `MOST_TESTED` test pixels."""
    settings = SplitSettings.model_validate(SPLITS.get(name, {"name": "training_blocks"}))
    split = make_split(scene, settings, seed, TrainSettings().classifier.patch // 2)
    tested = np.flatnonzero(split.to_numpy() == TEST)
    left_out = np.random.default_rng(seed).permutation(tested)[MOST_TESTED:]
    values = split.to_numpy().copy()
    values.ravel()[left_out] = NONE
    return split.copy(data=values)


def summary(records: Sequence[dict[str, Any]]) -> str:
    """A Markdown table: OA / AA in percent by scene and model, means over the seeds."""
    variants = list(dict.fromkeys(one["variant"] for one in records))
    table = means(records, ("scene", "model", "variant"))
    found = {key: row.to_numpy()[:_TOLD] for key, row in table.iterrows()}
    lines = [
        f"| scene | model | {' | '.join(f'`{v}`' for v in variants)} | seeds | test pixels |",
        f"|---|---|{'---|' * len(variants)}---|---|",
    ]
    for scene, model in dict.fromkeys((one["scene"], one["model"]) for one in records):
        those = [one for one in records if (one["scene"], one["model"]) == (scene, model)]
        runs = [(scene, model, variant) for variant in variants]
        cells = [per_cent(found[run]) if run in found else "-" for run in runs]
        seeds = len({one["seed"] for one in those})
        tested = round(np.mean([one["tested"] for one in those]))
        lines.append(f"| {scene} | `{model}` | {' | '.join(cells)} | {seeds} | {tested:,} |")
    return "\n".join([*lines, *_mean_rows(records, variants)])


def _mean_rows(records: Sequence[dict[str, Any]], variants: Sequence[str]) -> list[str]:
    """The mean over the scenes of the scenes' means, for each model that all variants have."""
    rows = []
    for model in dict.fromkeys(one["model"] for one in records):
        those = [one for one in records if one["model"] == model]
        of_scenes = means(those, ("variant", "scene")).groupby("variant").mean()
        if set(variants) <= set(of_scenes.index):
            cells = [per_cent(of_scenes.loc[v].to_numpy()[:_TOLD]) for v in variants]
            rows.append(f"| mean of scenes | `{model}` | {' | '.join(cells)} | | |")
    return rows


def main() -> None:
    """Parses the command line, trains what is not recorded, writes records and tables."""
    about = __doc__.splitlines()[0]
    parser = study_parser(about, DOCUMENT, "development", VARIANTS, (0, 1))
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    record = options.document.with_suffix("") / f"{options.table}.json"
    for name in options.scenes:
        parameters = parameters_of(name, "local")
        scene = ingest(
            name, parameters["scene"], IngestSettings.model_validate(parameters["ingest"])
        )
        for seed in options.seeds:
            split = drawn_split(scene, name, seed)
            for model, variant in product(options.models, options.variants):
                run = {"scene": name, "model": model, "variant": variant, "seed": seed}
                if is_recorded(record, run):
                    continue
                own = parameters["baselines"].get(model, {})
                add_records(record, [{**run, **measure(scene, split, model, variant, seed, own)}])
                print(*run.values(), flush=True)
    table = summary(read_records(record))
    write_table(options.document, options.table, table)
    print(table)


if __name__ == "__main__":
    main()
