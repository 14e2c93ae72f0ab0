"""How much a model hangs on each modality: `python -m benchmarks.hidden coast pines --seeds 0 1 2`.

Trains the method once a scene and seed and maps the scene with each modality hidden in turn
(`inference.hide`), beside a random forest that is trained on what is left, on the same split. A
scene and seed that are recorded are not repeated.
"""

import argparse
import json
import logging
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import xarray as xr

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.diffusion.pretraining.cached import cached_denoiser
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.evaluation.report import evaluate_predictions
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.inference.hiding import without_modalities
from bdgf.models.base import SceneInputs, TrainedModel
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.registry import model_entry
from bdgf.pipelines.ingest.nodes import ingest_scene
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.mask_variables import mask_name
from bdgf.scenes.masks import hide_modalities
from bdgf.scenes.scene import LABELS, class_table, modality_names, valid_mask
from bdgf.splits.parts import NONE
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from bdgf.training.devices import make_fabric
from benchmarks.accuracy_records import (
    DOCUMENT,
    MEASURES,
    RECORDS,
    WORKING,
    add_records,
    means,
    parameters_of,
    per_cent,
    read_records,
    write_table,
)

METHOD, FOREST = "bdgf", "random_forest"
NOTHING = "nothing"
_KEPT = 24
"""Denoisers that stay in the working folder."""


def measure(
    scene: str, seed: int, parameters: dict[str, Any], working: Path
) -> Iterator[dict[str, Any]]:
    """The scores of one scene and seed: a record for each hidden modality and model.

    Args:
        scene: The scene's name.
        seed: Seed of all that is drawn.
        parameters: The settings, as of a run.
        working: Folder that keeps denoisers.
    """
    data = ingest_scene(parameters["scene"], scene, parameters["ingest"])
    settings = PreparationSettings.model_validate(parameters["preparation"])
    prepared = fit_preparation(data, settings).apply(data)
    train = TrainSettings.model_validate(parameters["train"])
    split = make_split(
        prepared,
        SplitSettings.model_validate(parameters["split"]),
        seed,
        train.classifier.patch // 2,
    )
    own = model_entry(FOREST).model().settings
    assert own is not None
    forest_settings = own.model_validate(parameters["baselines"][FOREST])
    features = FeatureSettings.model_validate(parameters["features"])
    denoiser = cached_denoiser(
        prepared,
        PretrainSettings.model_validate(parameters["pretrain"]),
        seed,
        ArtifactCache(working / "denoisers", _KEPT),
    ).weights

    def scored(hidden: str, model: TrainedModel, seen: SceneInputs) -> dict[str, Any]:
        labels, classes = seen.prepared[LABELS].to_numpy(), class_table(seen.prepared)
        found = evaluate_predictions(
            *(model.predict_map(seen), labels, _covered(split, seen.prepared)),
            *(classes, model.config["patch"], seed),
        )
        return {
            "scene": scene,
            "seed": seed,
            "hidden": hidden,
            "model": model.config["model"],
            **{key: found[key] for key in MEASURES},
            "scored": found["split"]["test"],
        }

    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cube = extract_features(
            denoiser, prepared, features, folder / "cube.h5", fabric=make_fabric()
        )
        inputs = SceneInputs(prepared, cube)
        method = model_entry(METHOD).model().fit(inputs, split, train, None, seed)
        names = modality_names(prepared)
        for hidden in [NOTHING, *(names if len(names) > 1 else [])]:
            absent = () if hidden == NOTHING else (hidden,)
            with without_modalities(inputs, absent, denoiser, features, folder) as seen:
                yield scored(hidden, method, seen)
            left = SceneInputs(_without(prepared, absent))
            known = _covered(split, left.prepared)
            forest = model_entry(FOREST).model().fit(left, known, train, forest_settings, seed)
            yield scored(hidden, forest, left)


def summary(records: Sequence[dict[str, Any]]) -> str:
    """A Markdown table: OA / AA in percent, means over the seeds, a row a hidden modality."""
    lines = [
        "| scene | hidden | `bdgf`: OA / AA | `random_forest` on what is left: OA / AA | seeds |",
        "|---|---|---|---|---|",
    ]
    found = means(records, ("scene", "hidden", "model"))
    for scene, hidden in dict.fromkeys((one["scene"], one["hidden"]) for one in records):
        cells = [
            per_cent(found.loc[(scene, hidden, model), ["overall_accuracy", "average_accuracy"]])
            for model in (METHOD, FOREST)
        ]
        seeds = sorted({one["seed"] for one in records if one["scene"] == scene})
        lines.append(f"| {scene} | {hidden} | {' | '.join(cells)} | {', '.join(map(str, seeds))} |")
    return "\n".join(lines)


def _without(prepared: xr.Dataset, absent: tuple[str, ...]) -> xr.Dataset:
    # The scene as if it had never had these modalities.
    seen = hide_modalities(prepared, absent)
    left = [name for name in modality_names(prepared) if name not in absent]
    gone = [name for name in (*absent, *map(mask_name, absent)) if name in seen]
    return seen.drop_vars(gone).assign_attrs(modalities=json.dumps(left))


def _covered(split: xr.DataArray, seen: xr.Dataset) -> xr.DataArray:
    # The split without the pixels on which nothing is left to see.
    return split.copy(data=np.where(valid_mask(seen), split.to_numpy(), NONE))


def main() -> None:
    """Parses the command line, measures what is not recorded, writes record and table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", help="none: only the table, from what is recorded")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--env", default="local", help="environment of conf/ to take settings of")
    parser.add_argument("--record", type=Path, default=RECORDS / "hidden.json")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    parser.add_argument("--working", type=Path, default=WORKING)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    for scene, seed in product(options.scenes, options.seeds):
        run = {"scene": scene, "seed": seed}
        if any(run.items() <= one.items() for one in read_records(options.record)):
            continue
        parameters = parameters_of(scene, options.env)
        add_records(options.record, list(measure(scene, seed, parameters, options.working)))
        print(scene, seed, flush=True)
    table = summary(read_records(options.record))
    write_table(options.document, "hidden", table)
    print(table)


if __name__ == "__main__":
    main()
