"""Where training sends its curves: a protocol, so that the science knows no tracking server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class MetricLogger(Protocol):
    """Receives scalars with the step they belong to."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Records `metrics` (names grouped by '/', e.g. `pretrain/loss`) as of `step`."""
        ...


class NullLogger:
    """Forgets everything."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Does nothing."""


class MemoryLogger:
    """Keeps every record, and goes into a running checkpoint with the training it records.

    Attributes:
        records: (step, metrics) in the order of logging.
    """

    def __init__(self) -> None:
        self.records: list[tuple[int, dict[str, float]]] = []

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Appends one record."""
        self.records.append((step, dict(metrics)))

    def series(self, name: str) -> list[tuple[int, float]]:
        """The (step, value) pairs of one metric."""
        return [(step, metrics[name]) for step, metrics in self.records if name in metrics]

    def names(self) -> list[str]:
        """Every metric's name, in the order of first appearance."""
        return list(dict.fromkeys(name for _, metrics in self.records for name in metrics))

    def state_dict(self) -> dict[str, Any]:
        """The records, for a running checkpoint."""
        return {"records": [(step, dict(metrics)) for step, metrics in self.records]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the records of a running checkpoint."""
        self.records = [(step, dict(metrics)) for step, metrics in state["records"]]


class LoggerGroup:
    """Sends every record to several loggers, in their order."""

    def __init__(self, *loggers: MetricLogger) -> None:
        self.loggers = loggers

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Passes the record on."""
        for logger in self.loggers:
            logger.log(metrics, step)
