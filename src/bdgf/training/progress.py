"""A progress bar with loss, rate and remaining time, or log lines without a terminal."""

from __future__ import annotations

import logging
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

log = logging.getLogger(__name__)

RATE_WINDOW_SECONDS = 20.0
"""Time over which the rate is measured to estimate the remaining time."""

LOG_SECONDS = 20.0
"""Seconds between two log lines without a terminal."""

REDRAW_SECONDS = 0.25

PIXELS = "px"
"""The unit that is also shown with the rate, because pixels per second are often compared."""


class RecentRate:
    """Throughput over the last `RATE_WINDOW_SECONDS`, including pauses but not restored work."""

    def __init__(self, done: int, now: float) -> None:
        self._marks: deque[tuple[float, int]] = deque([(now, done)])

    def add(self, done: int, now: float) -> None:
        """Notes that `done` units were complete at `now`."""
        self._marks.append((now, done))
        while len(self._marks) > 2 and self._marks[1][0] <= now - RATE_WINDOW_SECONDS:
            self._marks.popleft()

    def per_second(self) -> float:
        """Units per second; 0 while unknown."""
        (start, first), (end, last) = self._marks[0], self._marks[-1]
        return (last - first) / (end - start) if end > start else 0.0


class ProgressBar:
    """Shows the progress of a long computation; a context manager.

    On a terminal it is a live bar on rich's global console, which rich log handlers share, so log
    lines appear above it. Elsewhere it is an occasional log line.

    Attributes:
        description: Name of the computation.
        total: Total number of units; can be set later.
        unit: Name of the units, in the plural.
    """

    def __init__(
        self,
        description: str,
        total: int,
        *,
        done: int = 0,
        unit: str = "steps",
        console: Console | None = None,
    ) -> None:
        from rich import get_console

        self.description, self.total, self.unit = description, total, unit
        self._console = console or get_console()
        self._start = self._last_shown = time.monotonic()
        self._first = self._done = done
        self._rate = RecentRate(done, self._start)
        self._live: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._start_live()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._show_live("")
            self._live.stop()
        if kind is None and self._done > self._first:
            seconds = time.monotonic() - self._start
            log.info(
                "%s: %s %s in %s%s", self.description, f"{self._done - self._first:,}", self.unit,
                format_seconds(seconds), self._pace(seconds),
            )  # fmt: skip

    def update(self, done: int, **values: float) -> None:
        """Notes that `done` units are complete, with values to display.

        Cheap enough to be called at every step; the display changes a few times a second.
        """
        now = time.monotonic()
        self._done = done
        pause = LOG_SECONDS if self._live is None else REDRAW_SECONDS
        if now - self._last_shown < pause:
            return
        self._last_shown = now
        self._rate.add(done, now)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        if self._live is None:
            log.info("%s: %s", self.description, "  ".join(filter(None, [self._facts(), shown])))
        else:
            self._show_live(shown)

    def _pace(self, seconds: float) -> str:
        if self.unit != PIXELS or seconds <= 0:
            return ""
        return f", {format_rate((self._done - self._first) / seconds)} px/s"

    def advance(self, more: int) -> None:
        """Notes that `more` units were completed since the last note."""
        self.update(self._done + more)

    def _facts(self) -> str:
        rate = self._rate.per_second()
        left = format_seconds((self.total - self._done) / rate) if rate > 0 else "?"
        unit = f" {PIXELS}" if self.unit == PIXELS else ""
        pace = f"{format_rate(rate)}{unit}/s"
        return f"{self._done:,}/{self.total:,} {self.unit}  {pace}  {left} left"

    def _start_live(self) -> None:
        from rich.errors import LiveError
        from rich.progress import BarColumn, Progress, TextColumn

        live = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[facts]}"),
            TextColumn("{task.fields[shown]}", style="dim"),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        try:
            live.start()
        except LiveError:  # another bar holds the terminal
            return
        self._live = live
        self._task = live.add_task(
            self.description, total=self.total, completed=self._done, facts="", shown=""
        )

    def _show_live(self, shown: str) -> None:
        assert self._live is not None
        assert self._task is not None
        self._live.update(
            self._task,
            total=self.total,
            completed=self._done,
            facts=self._facts(),
            shown=shown,
            refresh=True,
        )


def format_rate(rate: float) -> str:
    """A readable throughput: `0.25`, `12.5`, `3,490`."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def format_seconds(seconds: float) -> str:
    """A readable duration: `8 s`, `2:05 min`, `1:03 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
