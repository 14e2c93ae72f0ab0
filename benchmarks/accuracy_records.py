"""Accuracies as records: one JSON file a table, added to run by run, and its table in the docs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

import bdgf
from bdgf.core.storage import written_whole
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.experiments.tables import with_tables
from bdgf.features.extraction import FeatureSettings
from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.settings import CONFIG_LOADER_ARGS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "how_to" / "mapping.md"
"""Where the tables stand; the records lie in a folder of its name beside it."""
RECORDS = DOCUMENT.with_suffix("")
WORKING = ROOT / "data" / "working" / "benchmarks"
"""Keeps denoisers and feature cubes, so that a killed run goes on."""
MEASURES = {"overall_accuracy": "OA", "average_accuracy": "AA", "kappa": "kappa"}
"""What is recorded of a map: key -> head of the column."""

_DIGITS = 6


def parameters_of(scene: str, environment: str) -> dict[str, Any]:
    """What a run of the scene gets in an environment of `conf/`."""
    loader = SceneConfigLoader(
        str(ROOT / "conf"), env=environment, runtime_params={"dataset": scene}, **CONFIG_LOADER_ARGS
    )
    found = loader["parameters"]
    assert isinstance(found, dict)
    return found


def fit_settings(parameters: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `bdgf.fit` that a run's parameters decide for every model."""
    return {
        "preparation": PreparationSettings.model_validate(parameters["preparation"]),
        "pretrain": PretrainSettings.model_validate(parameters["pretrain"]),
        "features": FeatureSettings.model_validate(parameters["features"]),
        "train": TrainSettings.model_validate(parameters["train"]),
    }


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of a file; none where it is not there."""
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    assert isinstance(found, list)
    return found


def add_records(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Adds records, with date and version, to a file that is whole at any time."""
    made = {"date": datetime.now(UTC).date().isoformat(), "version": bdgf.__version__}
    rounded = [
        {key: round(value, _DIGITS) if isinstance(value, float) else value for key, value in one}
        for one in (record.items() for record in records)
    ]
    everything = [*read_records(path), *({**record, **made} for record in rounded)]
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, json.dumps(everything, indent=1) + "\n")


def is_recorded(path: Path, run: Mapping[str, Any]) -> bool:
    """Whether a file has a record of the run."""
    return any(run.items() <= one.items() for one in read_records(path))


def study_parser(
    about: str, document: Path, table: str, variants: Sequence[str], seeds: Sequence[int]
) -> argparse.ArgumentParser:
    """The command line of a study of variants: scenes, and the given defaults of the rest."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("scenes", nargs="*", help="none: only the table, from what is recorded")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(seeds))
    parser.add_argument("--variants", nargs="+", default=list(variants))
    parser.add_argument("--table", default=table, help="key of the table, and its record")
    parser.add_argument("--document", type=Path, default=document)
    return parser


def write_table(document: Path, key: str, table: str) -> None:
    """Puts a table between its markers in a Markdown document; what is around them stays."""
    _replace(document, with_tables(document.read_text(), {key: table}))


def means(records: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> pd.DataFrame:
    """Means of the measures over the seeds by `keys`, in the order of the records."""
    table = pd.DataFrame(list(records))
    return table.groupby(list(keys), sort=False)[list(MEASURES)].mean()


def per_cent(values: Iterable[float]) -> str:
    """Shares as `94.9 / 95.9`."""
    return " / ".join(f"{100 * value:.1f}" for value in values)


def _replace(path: Path, text: str) -> None:
    with written_whole(path, path.with_name(f".{path.name}.part")) as partial:
        partial.write_text(text)
