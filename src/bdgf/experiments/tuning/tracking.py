"""A search in MLflow: a parent run that is gone on with, and a child run for each process."""

from __future__ import annotations

from bdgf.experiments.tracking import BEST, LONGEST_TAG, NOTE, BenchTracking
from bdgf.experiments.tuning.pruning import Curve
from bdgf.framework.mlflow_names import CURVE, HEADLINE

STATE = "tune.state"
"""Tag of a child run that the search ended."""
VALIDATED = ("overall_accuracy", "average_accuracy")
"""The measures that a training takes of its validation pixels."""


class SearchTracking(BenchTracking):
    """The search's MLflow run, and the runs that its processes write to."""

    def curve(self, run_id: str, measure: str) -> Curve:
        """What a training has logged of its validation pixels: step and value, ascending.

        A measure that no training takes is stood in for by the overall accuracy.
        """
        name = measure if measure in VALIDATED else VALIDATED[0]
        history = self._client.get_metric_history(run_id, f"{CURVE}/validation/{name}")
        return sorted((metric.step, metric.value) for metric in history)

    def mark_pruned(self, run_id: str) -> None:
        """Says of a child run that the search gave it up."""
        self._client.set_tag(run_id, STATE, "pruned")
        self.end_run(run_id, "KILLED")

    def log_best(self, measure: str, value: float, trials: int) -> None:
        """The best value after so many trials, as the search's metric `oa`, `aa` or `kappa`."""
        self._client.log_metric(self.run_id, HEADLINE[measure], value, step=trials)

    def describe_search(self, best: str, markdown: str) -> None:
        """Puts the best trial and the table into the run's description.

        Args:
            best: The best trial, in a line.
            markdown: The table; an artifact alone where there is no room for it.
        """
        self._client.set_tag(self.run_id, BEST, best[:LONGEST_TAG])
        note = f"{best}\n\n{markdown}"
        self._client.set_tag(
            self.run_id, NOTE, note if len(note) <= LONGEST_TAG else f"{best}; see tables/trials.md"
        )
