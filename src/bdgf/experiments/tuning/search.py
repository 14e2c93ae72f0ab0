"""The search: what is tried, each trial's runs, and what they are judged on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bdgf.core.errors import SettingsError
from bdgf.core.fingerprint import fingerprint
from bdgf.experiments.executors import ExecutorOptions
from bdgf.experiments.records import RecordFolder
from bdgf.experiments.suite import PlannedRun, Resolve, Suite, nested, plan_suite
from bdgf.experiments.tuning.space import Knob, search_space
from bdgf.experiments.tuning.study import SearchStudy
from bdgf.framework.mlflow_names import flatten
from bdgf.models.registry import model_entry

SPLIT = "training_blocks"
"""The split that trials are judged on: it holds out training pixels alone."""
_DECIDED = {
    "dataset": "--scene decides it",
    "model": "--model decides it",
    "seed": "--seeds decides it",
    "split.name": f"a search is judged on {SPLIT}, not on test pixels",
}
"""Parameters that --params cannot set here, and why."""
_PATCH, _BUFFER = "train.classifier.patch", "split.buffer"
_SUITE = "tune"


@dataclass(frozen=True)
class TuneOptions:
    """The user's request.

    Attributes:
        scene: Name of the scene.
        model: Name of the model.
        trials: How many trials the search is to have in all.
        seeds: Each trial is run with each of them; the mean counts.
        knobs: Names of knobs or of groups of them; none for all that the model looks at.
        measure: What is maximised, one of `trial_work.MEASURES`.
        params: Parameters set for all trials, nested.
        prune: Whether trials that are worse than most are given up early.
        where: Where the runs are processed, and how many trials at a time.
        env: Kedro's environment; None for the default one.
    """

    scene: str
    model: str = "bdgf"
    trials: int = 50
    seeds: tuple[int, ...] = (0,)
    knobs: tuple[str, ...] = ()
    measure: str = "average_accuracy"
    params: Mapping[str, Any] = field(default_factory=dict)
    prune: bool = True
    where: ExecutorOptions = field(default_factory=ExecutorOptions)
    env: str | None = None


class Search:
    """A search as it was asked for.

    Attributes:
        options: What was asked for.
        knobs: What is turned.
        folder: Where all of its files are.
        study: The trials; opened by `open`.
        parameters: All parameters of the first trial, nested.
    """

    study: SearchStudy

    def __init__(self, options: TuneOptions, resolve: Resolve, say: Callable[[str], None]) -> None:
        """Plans the search.

        Args:
            options: What was asked for.
            resolve: Gives all parameters of a run from its runtime parameters.
            say: Takes what the user reads, a line at a time.

        Raises:
            SettingsError: The scene, the model, a knob or a parameter is unknown or wrong.
        """
        self.options, self.say, self._resolve = options, say, resolve
        fixed = flatten(options.params)
        for name in fixed:
            if name in _DECIDED:
                raise SettingsError(f"--params cannot set {name} here: {_DECIDED[name]}")
        model_entry(options.model)
        start = resolve({**options.params, "dataset": options.scene, "model": options.model})
        self.knobs = search_space(options.model, start, options.knobs, fixed)
        self._given = {**fixed, **_judged(options, start, self.knobs)}
        self.parameters = resolve(
            self.runs({k.name: k.configured for k in self.knobs}, "")[0].params
        )
        self.folder = Path(start["working_folder"]) / "tune" / options.scene
        self.records = RecordFolder(self.folder / "records")

    @property
    def name(self) -> str:
        """The search's name: the model, and a digest of all that makes trials comparable.

        The configured values of the knobs are no part of it: after the best ones were put into the
        configuration the search is still the same.
        """
        lowest = {k.name: (k.range.choices or (_number(k, k.range.low),))[0] for k in self.knobs}
        runs = [run.fingerprint for run in self.runs(lowest, "name")]
        space = [(knob.name, str(knob.range)) for knob in self.knobs]
        told = fingerprint(runs, space, self.options.measure, self.options.prune)
        return f"{self.options.model}-{told}"

    def open(self) -> None:
        """Opens the study; nobody else may have it open."""
        path = self.folder / "trials.db"
        self.study = SearchStudy(path, self.name, self.knobs)

    def runs(self, values: Mapping[str, Any], trial: str) -> list[PlannedRun]:
        """The runs of a trial, one a seed.

        Args:
            values: The knobs' values by dotted name.
            trial: Names the trial.

        Raises:
            SettingsError: The values do not fit each other.
        """
        params = {**self._given, **values}
        name = f"trial {trial}"
        suite = Suite.model_validate(
            {
                "title": _SUITE,
                "reference": name,
                "variants": [{"name": name, "model": self.options.model, "params": params}],
            }
        )
        return plan_suite(_SUITE, suite, [self.options.scene], self.options.seeds, self._resolve)

    def resolved(self, typed: dict[str, Any]) -> dict[str, Any]:
        """All parameters, with those that are typed."""
        return self._resolve(typed)

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a trial changes, and what was typed for all, nested: without what judges it."""
        return nested({**flatten(self.options.params), **values})

    def to_do(self) -> int:
        """How many trials are missing."""
        return max(0, self.options.trials - len(self.study.finished()))


def _judged(
    options: TuneOptions, parameters: Mapping[str, Any], knobs: Sequence[Knob]
) -> dict[str, Any]:
    """What all trials are judged on, by dotted name: the same pixels, whatever their patch."""
    from bdgf.models.patch.selection import SelectionSettings

    patches = [knob.range.high for knob in knobs if knob.name == _PATCH]
    widest = int(max([parameters["train"]["classifier"]["patch"], *patches]))
    judged = {
        "split.name": SPLIT,
        _BUFFER: max(parameters["split"]["buffer"] or 0, widest // 2),
    }
    # Without validation pixels of its own a training says nothing on its way.
    selection = SelectionSettings.model_validate(parameters["train"]["selection"])
    own = "train.selection.use_validation"
    if options.prune and not selection.validates and own not in flatten(options.params):
        judged[own] = False
    return judged


def _number(knob: Knob, value: float) -> float:
    return int(value) if knob.range.whole else float(value)
