"""Where Kedro looks for a project's commands; they are in `bdgf.framework.cli`."""

from bdgf.framework.cli import cli, run

__all__ = ["cli", "run"]
