"""Writes the parameter files and the reference page from the settings classes, or compares."""

from __future__ import annotations

import argparse
import sys
from itertools import zip_longest
from pathlib import Path

from tools.settings.parameter_files import parameter_files
from tools.settings.reference_page import reference_page
from tools.settings.scene_file_page import scene_file_page
from tools.settings.tree import top_groups

PROJECT = Path(__file__).resolve().parents[2]
BASE, PAGE = Path("conf/base"), Path("docs/reference/parameters.md")
SCENE_FILE_PAGE = Path("docs/reference/scene_file.md")


def generated() -> dict[Path, str]:
    """The text of every generated file, by its path in the project."""
    groups = top_groups()
    files = {BASE / name: text for name, text in parameter_files(groups).items()}
    return {**files, PAGE: reference_page(groups), SCENE_FILE_PAGE: scene_file_page()}


def differences(project: Path) -> list[str]:
    """What differs from the settings classes, a line a file."""
    wanted = generated()
    unknown = {p.relative_to(project) for p in (project / BASE).glob("parameters*.yml")} - {*wanted}
    told = [f"{path} belongs to no settings class; delete it" for path in sorted(unknown)]
    for path, text in wanted.items():
        if not (project / path).is_file():
            told.append(f"{path} is missing")
            continue
        lines = zip_longest((project / path).read_text("utf-8").split("\n"), text.split("\n"))
        for number, (there, made) in enumerate(lines, 1):
            if there != made:
                told.append(f"{path}, line {number}, is {there!r} where the classes say {made!r}")
                break
    return told


def main() -> int:
    """Writes or compares; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.settings", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if anything differs")
    if not parser.parse_args().check:
        for path, text in generated().items():
            (PROJECT / path).write_text(text, "utf-8")
    told = differences(PROJECT)
    if told:
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        print(f"{told[0]}{more}; `make settings` writes them again", file=sys.stderr)
    return bool(told)


if __name__ == "__main__":
    sys.exit(main())
