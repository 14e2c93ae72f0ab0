"""`kedro mlflow`, imported on demand, so that other `kedro` commands do not wait for MLflow.

Kedro imports the commands of all plugins before it parses the command line, and kedro-mlflow's
import MLflow, which takes seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points

import click

PROGRAM = "kedro.framework.cli.cli"
_PROJECT = "project"
_GROUP = "kedro.project_commands"
_DEFERRED = {"kedro_mlflow": ("mlflow", "Use mlflow-specific commands inside kedro project.")}
"""Entry points that are imported late: their only command, and what it says of itself."""


class DeferredGroup(click.Group):
    """A group of commands whose module is imported when one of them is looked for."""

    def __init__(self, name: str, place: EntryPoint, help_text: str) -> None:
        """Represents the command group `name` of the group `place`."""
        super().__init__(name, help=help_text)
        self._place = place

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return self._group(ctx).list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        return self._group(ctx).get_command(ctx, cmd_name)

    def _group(self, ctx: click.Context) -> click.Group:
        found: click.Group = self._place.load().get_command(ctx, self.name)
        return found


def defer_commands() -> None:
    """Lets Kedro's program, where one runs, take deferred groups in the place of real ones."""
    program = sys.modules.get(PROGRAM)
    if program is None or getattr(program.load_entry_points, "deferred", False):
        return
    load = program.load_entry_points

    def load_entry_points(name: str) -> Sequence[click.Group]:
        if name != _PROJECT:
            found: Sequence[click.Group] = load(name)
            return found
        return [_deferred(e) if e.name in _DEFERRED else e.load() for e in _plugins()]

    load_entry_points.deferred = True  # type: ignore[attr-defined]
    program.load_entry_points = load_entry_points  # type: ignore[attr-defined]


def _plugins() -> Sequence[EntryPoint]:
    return tuple(entry_points(group=_GROUP))


def _deferred(place: EntryPoint) -> click.Group:
    name, help_text = _DEFERRED[place.name]
    return click.Group(commands={name: DeferredGroup(name, place, help_text)})
