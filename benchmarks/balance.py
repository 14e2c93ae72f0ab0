"""Does masking balance? The study of docs/method.md: `python benchmarks/balance.py demo coast`.

Pretrains a small denoiser with every masking and seed, measures what its features hold of each
modality (no test pixel is looked at) and writes a table, its means and a figure. A run that is
there is not repeated.
"""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from bdgf.configuration import SceneConfigLoader
from bdgf.diffusion.features import FeatureSettings
from bdgf.evaluation.balance_summary import balance_figure, balance_means, balance_table
from bdgf.evaluation.modality_balance import BalanceSettings, measure_balance
from bdgf.pipelines.ingest.nodes import ingest_scene
from bdgf.scenes.preparation import PreparationSettings, fit_preparation
from bdgf.scenes.split import SplitSettings, make_split
from bdgf.settings import CONFIG_LOADER_ARGS
from bdgf.training.pretrain import PretrainSettings, pretrain

ROOT = Path(__file__).resolve().parents[1]
MASKINGS: dict[str, dict[str, Any]] = {
    "none": {"strategy": "none"},
    "fixed": {"strategy": "fixed"},
    "explained_noise": {"strategy": "adaptive", "signal": "explained_noise"},
    "feature_change": {"strategy": "adaptive", "signal": "feature_change"},
}
SMALL = {"steps": 400, "batch_size": 8, "log_every": 10}
WIDTH = 16
"""A narrower, shorter pretraining than `conf/base`'s: the study has many."""


def merged(base: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    parts = {k: merged(base[k], v) if isinstance(v, dict) else v for k, v in changed.items()}
    return {**base, **parts}


def run(scene: str, parameters: dict[str, Any], masking: str, seed: int) -> dict[str, Any]:
    """Pretrains and measures once."""
    data = ingest_scene(parameters["scene"], scene, parameters["ingest"])
    settings = PreparationSettings.model_validate(parameters["preparation"])
    prepared = fit_preparation(data, settings).apply(data)
    patch = parameters["train"]["classifier"]["patch"]
    split = make_split(prepared, SplitSettings.model_validate(parameters["split"]), 0, patch // 2)
    changed = {**SMALL, "denoiser": {"width": WIDTH}, "masking": MASKINGS[masking]}
    chosen = PretrainSettings.model_validate(merged(parameters["pretrain"], changed))
    return measure_balance(
        pretrain(prepared, chosen, seed),
        prepared,
        split,
        FeatureSettings.model_validate(parameters["features"]),
        BalanceSettings.model_validate(parameters["balance"]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "results" / "balance")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    folder = ROOT / "data" / "working" / "balance"
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for scene in arguments.scenes:
        loader = SceneConfigLoader(
            str(ROOT / "conf"), env="local", runtime_params={"dataset": scene}, **CONFIG_LOADER_ARGS
        )
        for masking in MASKINGS:
            for seed in arguments.seeds:
                path = folder / f"{scene}-{masking}-{seed}.json"
                if not path.exists():
                    record = run(scene, loader["parameters"], masking, seed)
                    path.write_text(json.dumps(record, indent=1))
                records.append(json.loads(path.read_text()))
                print(path.stem, flush=True)
    write(records, arguments.output)


def write(records: list[dict[str, Any]], output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    table = balance_table(records)
    table.to_csv(output / "runs.csv", index=False, float_format="%.4f")
    balance_means(table).to_csv(output / "means.csv", index=False, float_format="%.4f")
    balance_figure(table).savefig(output / "balance.png")
    print(balance_means(table).T.to_string())


if __name__ == "__main__":
    main()
