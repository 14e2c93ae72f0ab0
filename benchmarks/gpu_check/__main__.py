"""`python -m benchmarks.gpu_check --out DIR`: checks every CUDA path; see `--help`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.gpu_check.parts import PARTS
from benchmarks.gpu_check.record import Setting
from benchmarks.gpu_check.runner import run


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and runs the parts."""
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the report")
    parser.add_argument("--minutes", type=float, default=8, help="time for all parts")
    parser.add_argument("--cpu", action="store_true", help="rehearse on a CPU")
    parser.add_argument("--tiny", action="store_true", help="sizes of a rehearsal")
    parser.add_argument("--parts", nargs="+", choices=names, default=names, help="only these")
    given = parser.parse_args(arguments)
    chosen = [part for part in PARTS if part.name in given.parts]
    setting = Setting("cpu" if given.cpu else "cuda", given.tiny, given.out.resolve())
    return run(setting, given.minutes, chosen)


if __name__ == "__main__":
    sys.exit(main())
