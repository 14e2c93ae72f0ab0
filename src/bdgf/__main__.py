"""`python -m bdgf`: the project's run command without the `kedro` program."""

from pathlib import Path

from kedro.framework.startup import bootstrap_project
from kedro.utils import find_kedro_project

from bdgf.framework.cli import run


def main() -> None:
    """Runs a pipeline of the project that holds the working directory."""
    bootstrap_project(find_kedro_project(Path.cwd()) or Path.cwd())
    run()


if __name__ == "__main__":
    main()
