"""Follows README and how-to pages on a fresh clone: `python -m tools.docs_check [PAGE ...]`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tools.docs_check.blocks import blocks
from tools.docs_check.fresh_clone import environment, follow, fresh_clone

PROJECT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "docs/get_started/index.md",
    "docs/how_to/own_scene.md",
    "docs/how_to/vector_labels.md",
    "docs/how_to/large_rasters.md",
    "docs/how_to/several_devices.md",
    "docs/how_to/cluster.md",
    "docs/how_to/containers.md",
    "docs/how_to/compare_models.md",
    "docs/how_to/gpu.md",
    "docs/how_to/add_model.md",
)
"""In the order in which they build on one another; doctests of the others are `make docs`'s."""
_LONGEST = 1800.0


def main() -> int:
    """Follows the pages; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs_check", description=__doc__)
    parser.add_argument("pages", nargs="*", default=PAGES, help="default: README and how-to")
    parser.add_argument("--env", help="Kedro's environment: `test` has small settings")
    parser.add_argument("--seconds", type=float, default=_LONGEST, help="longest time of a block")
    options = parser.parse_args()
    wrong = done = skipped = 0
    with fresh_clone(PROJECT) as clone:
        seen = environment(clone, options.env)
        for page in options.pages:
            for block in blocks((clone / page).read_text(encoding="utf-8")):
                place = f"{page}:{block.line}"
                if block.kind == "skip":
                    skipped += 1
                    print(f"skipped  {place}  {block.told}", flush=True)
                    continue
                begun = time.monotonic()
                told = follow(block, clone, seen, options.seconds)
                done, wrong = done + 1, wrong + (told is not None)
                word = "FAILED " if told else "done   "
                first = block.told or block.text.splitlines()[0]
                print(f"{word}  {place}  {time.monotonic() - begun:.0f} s  {first}", flush=True)
                if told:
                    print(told, flush=True)
    print(f"{done} blocks followed, {wrong} failed, {skipped} skipped")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
