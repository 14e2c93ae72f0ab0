"""The search's memory: an Optuna study in a SQLite file, which a killed search goes on from.

Every draw depends on the search and on how many trials there were, not on a generator that lives in
the process: one trial at a time, a search that was stopped proposes what the other would have.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bdgf.core.errors import SettingsError, artifact_errors
from bdgf.core.fingerprint import fingerprint
from bdgf.experiments.tuning.space import Knob

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

RETRY = "retry_of"
"""Attribute of a trial that repeats one which was killed or failed: that one's number."""

RANDOM_TRIALS = 10
"""So many trials are drawn at random before the sampler learns from them."""
_PRUNED_AFTER = 5
"""So many finished trials make a median."""
_FIRST_TENTH = 3
"""The first tenth of a training that it is judged at: its beginning shows little."""
_WAIT_SECONDS = 60
"""How long one thread waits for another that writes."""
_SEED_DIGITS = 8


class SearchStudy:
    """The trials of one search.

    Attributes:
        path: The SQLite file.
    """

    def __init__(self, path: Path, name: str, knobs: Sequence[Knob]) -> None:
        """Opens the search `name`, or begins it with the configured values as first trial.

        Nobody else may use the file: trials that are under way in it count as killed.

        Args:
            path: The file; its folder is there.
            name: The search's name, which tells all that makes its trials comparable.
            knobs: What is searched.

        Raises:
            SettingsError: Optuna is not installed.
            ArtifactError: The file is damaged, or of another version.
            StorageError: The disk refuses.
        """
        self.path, self._name, self._knobs = path, name, knobs
        self._lock = threading.RLock()
        optuna = imported_optuna()
        with self._file():
            self._study: Study = optuna.create_study(
                storage=_storage(path),
                study_name=name,
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(
                    n_startup_trials=_PRUNED_AFTER, n_warmup_steps=_FIRST_TENTH
                ),
            )
            if not self._study.get_trials(deepcopy=False):
                self._study.enqueue_trial({k.name: k.stored(k.configured) for k in knobs})
            self._revive()

    def _file(self) -> Any:
        return artifact_errors(f"the search's file {self.path}", "move it away to begin anew")

    def _revive(self) -> None:
        """Puts killed and failed trials first in the queue, once each."""
        from optuna.trial import TrialState

        trials = self._study.get_trials(deepcopy=False)
        repeated = {trial.user_attrs.get(RETRY) for trial in trials}
        for trial in trials:
            if trial.state == TrialState.RUNNING:
                self._study.tell(trial.number, state=TrialState.FAIL)
            ended = trial.state in (TrialState.RUNNING, TrialState.FAIL)
            if ended and trial.params and trial.number not in repeated:
                self._study.enqueue_trial(trial.params, user_attrs={RETRY: trial.number})

    def trials(self) -> list[FrozenTrial]:
        """All trials, in order."""
        with self._lock, self._file():
            return self._study.get_trials(deepcopy=False)

    def finished(self) -> list[FrozenTrial]:
        """Trials that have a value or were pruned."""
        from optuna.trial import TrialState

        return [t for t in self.trials() if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]

    def best(self) -> FrozenTrial | None:
        """The trial of the highest value, the earliest of equal ones; None before the first."""
        complete = [t for t in self.finished() if t.state.name == "COMPLETE"]
        return max(complete, key=lambda t: (t.value, -t.number), default=None)

    def ask(self, *, beside: bool = False) -> Trial:
        """The next trial: one that was killed, else a new one.

        Args:
            beside: Whether others are under way, whose values it keeps off.
        """
        with self._lock, self._file(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that `constant_liar` may change
            self._study.sampler = self._sampler(beside)
            return self._study.ask({knob.name: knob.distribution() for knob in self._knobs})

    def _sampler(self, beside: bool) -> Any:
        from optuna.samplers import TPESampler

        # What was tried twice was drawn once.
        drawn = sum(RETRY not in t.user_attrs for t in self._study.get_trials(deepcopy=False))
        return TPESampler(
            seed=int(fingerprint(self._name, drawn)[:_SEED_DIGITS], 16),
            n_startup_trials=RANDOM_TRIALS,
            constant_liar=beside,
        )

    def values(self, trial: Trial | FrozenTrial) -> dict[str, Any]:
        """The parameters of a trial by dotted name."""
        return {
            k.name: k.value(trial.params[k.name]) for k in self._knobs if k.name in trial.params
        }

    def worse_than_most(self, trial: Trial, tenth: int, value: float) -> bool:
        """Notes a value on the way; says whether the trial is to be given up."""
        with self._lock, self._file():
            trial.report(value, tenth)
            return bool(trial.should_prune())

    def note(self, trial: Trial, **told: Any) -> None:
        """Keeps what is told of a trial, for the table."""
        with self._lock, self._file():
            for name, value in told.items():
                trial.set_user_attr(name, value)

    def tell(self, trial: Trial, value: float | None, *, pruned: bool = False) -> None:
        """Ends a trial: with its value, as pruned, or as failed where there is no value."""
        from optuna.trial import TrialState

        with self._lock, self._file():
            if pruned:
                self._study.tell(trial, state=TrialState.PRUNED)
            elif value is None:
                self._study.tell(trial, state=TrialState.FAIL)
            else:
                self._study.tell(trial, value)

    @property
    def mlflow_run(self) -> str | None:
        """Id of the search's run in MLflow."""
        with self._lock, self._file():
            found = self._study.user_attrs.get("mlflow_run")
            return str(found) if found else None

    @mlflow_run.setter
    def mlflow_run(self, run_id: str) -> None:
        with self._lock, self._file():
            self._study.set_user_attr("mlflow_run", run_id)


def imported_optuna() -> Any:
    """Optuna, quiet.

    Raises:
        SettingsError: It is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise SettingsError(
            "kedro tune needs Optuna; install it: pip install 'bdgf[tune]'"
        ) from error
    optuna.logging.set_verbosity(logging.WARNING)
    return optuna


def _storage(path: Path) -> Any:
    from optuna.storages import RDBStorage
    from sqlalchemy.engine import URL

    url = URL.create("sqlite", database=str(path)).render_as_string()
    options = {"connect_args": {"timeout": _WAIT_SECONDS}}
    return RDBStorage(url, engine_kwargs=options)
