"""How much a model hangs on each modality: `python -m benchmarks.hidden coast pines --seeds 0 1 2`.

Trains the method once a scene and seed and maps the scene with each modality hidden in turn
(`inference.hide`), beside a random forest that is trained on what is left. A scene and seed that
stand in the table are not repeated: delete the table to start anew.
"""

import argparse
import json
import logging
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import xarray as xr

from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.evaluation.report import evaluate_predictions
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.inference.hiding import without_modalities
from bdgf.models.base import SceneInputs, TrainedModel
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.registry import model_entry
from bdgf.pipelines.ingest.nodes import ingest_scene
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import LABELS, class_table, modality_names
from bdgf.settings import CONFIG_LOADER_ARGS
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from bdgf.training.devices import make_fabric

ROOT = Path(__file__).resolve().parents[1]
METHOD, FOREST = "bdgf", "random_forest"
NOTHING = "nothing"


def parameters_of(scene: str, environment: str) -> dict[str, Any]:
    """What a run of the scene gets in an environment of `conf/`."""
    loader = SceneConfigLoader(
        str(ROOT / "conf"), env=environment, runtime_params={"dataset": scene}, **CONFIG_LOADER_ARGS
    )
    return loader["parameters"]


def measure(scene: str, seed: int, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The scores of one scene and seed: a row for each hidden modality and model."""
    data = ingest_scene(parameters["scene"], scene, parameters["ingest"])
    settings = PreparationSettings.model_validate(parameters["preparation"])
    prepared = fit_preparation(data, settings).apply(data)
    train = TrainSettings.model_validate(parameters["train"])
    split = make_split(
        prepared, SplitSettings.model_validate(parameters["split"]), seed, train.patch // 2
    )
    own = model_entry(FOREST).model().settings
    assert own is not None
    forest_settings = own.model_validate(parameters["baselines"][FOREST])
    features = FeatureSettings.model_validate(parameters["features"])
    denoiser = pretrain(
        PretrainingData.of(prepared), PretrainSettings.model_validate(parameters["pretrain"]), seed
    )

    def scored(hidden: str, model: TrainedModel, seen: SceneInputs) -> dict[str, Any]:
        labels, classes = seen.prepared[LABELS].to_numpy(), class_table(seen.prepared)
        patch = model.config["patch"]
        found = evaluate_predictions(model.predict_map(seen), labels, split, classes, patch, seed)
        return {
            "scene": scene,
            "seed": seed,
            "hidden": hidden,
            "model": model.config["model"],
            **{key: found[key] for key in ("overall_accuracy", "average_accuracy")},
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
            forest = model_entry(FOREST).model().fit(left, split, train, forest_settings, seed)
            yield scored(hidden, forest, left)


def summary(table: pd.DataFrame) -> str:
    """A Markdown table: OA / AA in percent, means over the seeds, a row a hidden modality."""
    lines = [
        "| scene | hidden | `bdgf`: OA / AA | `random_forest` on what is left: OA / AA |",
        "|---|---|---|---|",
    ]
    means = table.groupby(["scene", "hidden", "model"], sort=False).mean(numeric_only=True)
    for scene, hidden in dict.fromkeys(zip(table["scene"], table["hidden"], strict=True)):
        cells = [
            "{:.1f} / {:.1f}".format(
                *(100 * means.loc[(scene, hidden, model), ["overall_accuracy", "average_accuracy"]])
            )
            for model in (METHOD, FOREST)
        ]
        lines.append(f"| {scene} | {hidden} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _without(prepared: xr.Dataset, absent: tuple[str, ...]) -> xr.Dataset:
    # The scene as if it had never had these modalities.
    left = [name for name in modality_names(prepared) if name not in absent]
    return prepared.drop_vars(list(absent)).assign_attrs(modalities=json.dumps(left))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--env", default="local", help="environment of conf/ to take settings of")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "results" / "hidden")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "runs.csv"
    table = pd.read_csv(path) if path.exists() else pd.DataFrame()
    for scene, seed in product(arguments.scenes, arguments.seeds):
        if len(table) and ((table["scene"] == scene) & (table["seed"] == seed)).any():
            continue
        rows = pd.DataFrame(list(measure(scene, seed, parameters_of(scene, arguments.env))))
        table = pd.concat([table, rows], ignore_index=True)
        table.to_csv(path, index=False, float_format="%.4f")
        print(scene, seed, flush=True)
    (arguments.output / "table.md").write_text(summary(table) + "\n")
    print(summary(table))


if __name__ == "__main__":
    main()
