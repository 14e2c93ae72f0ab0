"""Names listed by `--help`: scenes, models, pipelines, suites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import click
import yaml
from kedro.utils import find_kedro_project

from bdgf.core.errors import SettingsError
from bdgf.framework.scene_files import FOLDER, SUFFIXES
from bdgf.models.registry import MODELS


def scenes() -> list[str]:
    """The configured scenes of the project in the working directory, including your own."""
    found = (path for suffix in SUFFIXES for path in _conf().glob(f"*/{FOLDER}/*{suffix}"))
    return sorted({path.stem for path in found if not path.name.startswith(".")})


def models() -> list[str]:
    """The models, in the order of the registry."""
    return list(MODELS)


def pipelines() -> list[str]:
    """The registered pipelines."""
    from kedro.framework.project import pipelines as registered

    return sorted(name for name in registered if name != "__default__")


def suites() -> list[str]:
    """The suites of all environments."""
    found: set[str] = set()
    for path in _conf().glob("*/bench.yml"):
        try:
            found |= set(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except (OSError, ValueError, yaml.YAMLError):  # told when the bench reads it
            continue
    return sorted(str(name) for name in found if not str(name).startswith("_"))


def _conf() -> Path:
    return Path(find_kedro_project(Path.cwd()) or Path.cwd()) / "conf"


class CommandWithNames(click.Command):
    """A command whose help ends with the names that its options take.

    Attributes:
        names: What they are names of -> what lists them.
    """

    names: ClassVar[Mapping[str, Callable[[], list[str]]]] = {}

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes a line or two for each kind of name."""
        super().format_epilog(ctx, formatter)
        rows = []
        for kind, listed in self.names.items():
            try:
                rows.append((kind, ", ".join(listed())))
            except SettingsError as error:
                rows.append((kind, str(error)))
        if rows:
            with formatter.section("Known"):
                formatter.write_dl([(kind, names or "none here") for kind, names in rows])
