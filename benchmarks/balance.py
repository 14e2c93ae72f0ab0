"""Does masking balance? `python benchmarks/balance.py demo coast`; docs/notebook has the study.

Pretrains a small denoiser with every masking and seed, measures what its features hold of each
modality (no test pixel is looked at) and writes a table, its means and a figure. A run that stands
in the table is not repeated: delete the table to start anew.
"""

import argparse
import logging
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.evaluation.modality_balance import ModalityBalanceSettings, measure_balance
from bdgf.experiments.balance_summary import (
    MASKING,
    balance_figure,
    balance_means,
    balance_table,
    masking_name,
)
from bdgf.features.extraction import FeatureSettings
from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest
from bdgf.settings import CONFIG_LOADER_ARGS
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split

ROOT = Path(__file__).resolve().parents[1]
MASKINGS: dict[str, dict[str, Any]] = {
    "none": {"strategy": "none"},
    "fixed": {"strategy": "fixed"},
    "explained_noise": {"strategy": "adaptive", "signal": "explained_noise", "rule": "ratio"},
    "modality_sensitivity": {
        "strategy": "adaptive",
        "signal": "modality_sensitivity",
        "rule": "ratio",
    },
    "equalised": {
        "strategy": "adaptive",
        "signal": "modality_sensitivity",
        "rule": "equalise",
        "p_min": 0.2,
        "p_max": 0.6,
    },
}
SMALL = {"steps": 400, "batch_size": 8, "ema_decay": 0.999, "log_every": 10}
WIDTH = 16
"""A narrower, shorter pretraining than `conf/base`'s: the study has many."""


def merged(base: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    parts = {k: merged(base[k], v) if isinstance(v, dict) else v for k, v in changed.items()}
    return {**base, **parts}


def run(scene: str, masking: dict[str, Any], prediction: str, seed: int) -> dict[str, Any]:
    """Pretrains and measures once."""
    parameters = SceneConfigLoader(
        str(ROOT / "conf"), env="local", runtime_params={"dataset": scene}, **CONFIG_LOADER_ARGS
    )["parameters"]
    data = ingest(scene, parameters["scene"], IngestSettings.model_validate(parameters["ingest"]))
    settings = PreparationSettings.model_validate(parameters["preparation"])
    prepared = fit_preparation(data, settings).apply(data)
    patch = parameters["train"]["classifier"]["patch"]
    split = make_split(prepared, SplitSettings.model_validate(parameters["split"]), 0, patch // 2)
    parts = {"denoiser": {"width": WIDTH}, "schedule": {"prediction": prediction}}
    changed = {**SMALL, **parts, "masking": masking}
    chosen = PretrainSettings.model_validate(merged(parameters["pretrain"], changed))
    return measure_balance(
        pretrain(PretrainingData.of(prepared), chosen, seed),
        prepared,
        split,
        FeatureSettings.model_validate(parameters["features"]),
        ModalityBalanceSettings.model_validate(parameters["balance"]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--prediction", default="epsilon", choices=["epsilon", "v", "x0"])
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "notebook" / "2026-11-26-results" / "balance"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "runs.csv"
    table = pd.read_csv(path) if path.exists() else pd.DataFrame()
    prediction = arguments.prediction
    for scene, seed, masking in product(arguments.scenes, arguments.seeds, MASKINGS.values()):
        key = {
            "scene": scene,
            "seed": seed,
            "prediction": prediction,
            MASKING: masking_name({"signal": ""} | masking),
        }
        if len(table) and (table[list(key)] == pd.Series(key)).all(axis=1).any():
            continue
        measured = balance_table([run(scene, masking, prediction, seed)])
        table = pd.concat([table, measured], ignore_index=True)
        table.to_csv(path, index=False, float_format="%.4f")
        print(*key.values(), flush=True)
    balance_means(table).to_csv(arguments.output / "means.csv", index=False, float_format="%.4f")
    balance_figure(table).savefig(arguments.output / "balance.png")


if __name__ == "__main__":
    main()
