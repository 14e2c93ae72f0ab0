"""`make fuzz`: loads damaged files of every format, and fails if one ends badly.

python -m tests.fuzz --files 20000 --seed 0 --formats matlab5,tiff
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.campaign import run
from tests.fuzz.seeds import MAKERS, make_seeds


def main() -> int:
    """Runs a campaign; the exit code is 1 if a file crashed, hung, or ended in another error."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, help="how many damaged files")
    parser.add_argument("--seed", type=int, default=0, help="decides every draw")
    parser.add_argument("--formats", default=",".join(MAKERS), help="some of these, by commas")
    parser.add_argument("--keep", type=Path, default=Path("data/fuzz"), help="for bad files")
    parser.add_argument("--seconds", type=float, default=20.0, help="limit of one file")
    options = parser.parse_args()
    formats = options.formats.split(",")
    if unknown := [name for name in formats if name not in MAKERS]:
        parser.error(f"unknown formats {', '.join(unknown)}; known: {', '.join(MAKERS)}")
    with tempfile.TemporaryDirectory(prefix="fuzz_") as folder:
        seeds = make_seeds(Path(folder) / "seeds", formats)
        print(f"{len(seeds)} sound files, {options.files} damaged ones, seed {options.seed}")
        report = run(seeds, options.files, options.seed, Path(folder), options.keep,
                     options.seconds, lambda line: print(line, flush=True))  # fmt: skip
    print(report.table())
    for line in sorted(set(report.found)):
        print(line)
    if report.found:
        print(f"the files are in {options.keep}")
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
