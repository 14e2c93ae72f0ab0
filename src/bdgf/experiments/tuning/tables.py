"""What a search found: the table of its trials, and the best settings as a file for conf/local."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from bdgf.core.storage import written_whole
from bdgf.experiments.markdown import markdown_table
from bdgf.experiments.tuning.search import SPLIT, Search
from bdgf.experiments.tuning.space import in_yaml
from bdgf.experiments.tuning.study import RETRY
from bdgf.experiments.tuning.trial_work import MEASURES, shown
from bdgf.framework.validation import check_parameters

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

BEST_FILE, TABLE_FILE, CSV_FILE = "best.yml", "trials.md", "trials.csv"
_STATES = {
    "COMPLETE": "finished",
    "PRUNED": "given up",
    "FAIL": "failed",
    "RUNNING": "killed",
    "WAITING": "to do",
}
_NONE = "-"


def trial_table(search: Search) -> pd.DataFrame:
    """One row a trial, the best first, those without a value last.

    Columns: `trial`, `state`, the measure (mean over the seeds, in 0..1; of a trial that was given
    up what it had reached on its validation pixels stands in `reached`), `seconds`, and the knobs.
    A trial that was killed or failed is left out once it was repeated.
    """
    measure, rows = search.options.measure, []
    trials = search.study.trials()
    repeated = {trial.user_attrs.get(RETRY) for trial in trials}
    for trial in trials:
        if trial.number in repeated or trial.state.name == "WAITING":
            continue
        finished = trial.state.name == "COMPLETE"
        rows.append(
            {
                "trial": trial.number,
                "state": _STATES[trial.state.name],
                measure: trial.value if finished else None,
                "reached": None if finished else _reached(trial),
                "seconds": trial.user_attrs.get("seconds"),
                **{name: _cell(v) for name, v in search.study.values(trial).items()},
                "error": trial.user_attrs.get("error"),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values([measure, "trial"], ascending=[False, True], ignore_index=True)


def _reached(trial: FrozenTrial) -> float | None:
    steps = trial.intermediate_values
    return steps[max(steps)] if steps else None


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float) else in_yaml(value)


def best_line(search: Search) -> str | None:
    """The best trial in a line, beside the first one, which has the configured values."""
    best = search.study.best()
    if best is None or best.value is None:
        return None
    measure, first = search.options.measure, search.study.trials()[0]
    line = f"best: trial {best.number}, {shown(measure, best.value)}"
    for trial in search.study.finished():
        is_first = trial.number == first.number or trial.user_attrs.get(RETRY) == first.number
        if is_first and trial.state.name == "COMPLETE" and trial.value is not None:
            return f"{line}; with the configured values {shown(measure, trial.value)}"
    return line


def trial_markdown(search: Search, command: str) -> str:
    """The table as Markdown, under a line that says what it is of.

    Args:
        search: The search.
        command: What makes it, for who wants it again.
    """
    measure, table = search.options.measure, trial_table(search)
    knobs = [knob.name for knob in search.knobs]
    lines = [
        [
            str(row["trial"]),
            row["state"],
            _number(row[measure], 100, 2),
            _number(row["reached"], 100, 2),
            _number(row["seconds"], 1, 0),
            *(_short(row.get(name)) for name in knobs),
        ]
        for row in table.to_dict("records")
    ]
    head = ["trial", "state", f"{MEASURES[measure]} %", "reached %", "seconds", *knobs]
    seeds = ", ".join(map(str, search.options.seeds))
    told = (
        f"`{command}`: {len(search.study.finished())} trials of {search.options.model} on "
        f"{search.options.scene}, seeds {seeds}, judged on blocks held out of the training pixels "
        f"(`split.name={SPLIT}`). No test pixel was looked at. Of a trial that was given up, "
        "*reached* is its last value on validation pixels."
    )
    return "\n\n".join(filter(None, [told, best_line(search), markdown_table(head, lines)]))


def _number(value: Any, factor: float, digits: int) -> str:
    return _NONE if value is None or pd.isna(value) else f"{factor * value:.{digits}f}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return _NONE if pd.isna(value) else f"{value:.4g}"
    return _NONE if value is None else str(value)


def best_yaml(search: Search, command: str) -> str | None:
    """The best settings as a file for conf/local; None before the first result.

    Raises:
        SettingsError: The project's validation refuses them.
    """
    best, line = search.study.best(), best_line(search)
    if best is None:
        return None
    settings = search.settings(search.study.values(best))
    who = {"dataset": search.options.scene, "model": search.options.model}
    check_parameters(search.resolved({**settings, **who}))
    head = [
        f"# {command}",
        f"# {line}, on blocks held out of the training pixels.",
        f"# To use it: copy this file to {used_at(search)}",
        f"# It then applies to every scene; model={search.options.model} is to be typed as before.",
    ]
    return "\n".join(head) + "\n" + yaml.safe_dump(settings, sort_keys=False)


def used_at(search: Search) -> str:
    """Where the best settings count: Kedro reads every parameters*.yml there."""
    return f"conf/{search.options.env or 'local'}/parameters_tuned.yml"


def write_results(search: Search, folder: Path, command: str) -> list[Path]:
    """Writes the table as Markdown and CSV, and the best settings where there are any.

    Raises:
        StorageError: The disk refuses.
    """
    texts: Mapping[str, str | None] = {
        TABLE_FILE: trial_markdown(search, command) + "\n",
        CSV_FILE: trial_table(search).to_csv(index=False, float_format="%.6g"),
        BEST_FILE: best_yaml(search, command),
    }
    written = []
    for name, text in texts.items():
        if text is not None:
            with written_whole(folder / name, folder / f".{name}.part") as partial:
                partial.write_text(text, encoding="utf-8")
            written.append(folder / name)
    return written
