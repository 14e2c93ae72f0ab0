"""`python -m benchmarks`: measures everything and writes the table; see `--help`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bdgf  # before torch: it says how long OpenMP's threads spin
from benchmarks.children import ROOT
from benchmarks.comparison import Comparison

FOLDER = ROOT / "docs" / "benchmarks"
CPU = (
    *("scan", "features", "memory", "patches", "training", "busy", "inference"),
    *("pretraining", "overhead", "seams"),
)
APART = ("allocator", "compilation", "growth")
"""Parts that are measured when they are named: they take long."""


def main() -> int:
    """Parses the command line and measures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="part",
        help=f"of {', '.join((*CPU, *APART))}; or the first {len(CPU)}",
    )
    parser.add_argument("--gpu", action="store_true", help="measure on a CUDA device instead")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of table and JSON")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - {*CPU, *APART}:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join((*CPU, *APART))}")
    if arguments.gpu:
        from benchmarks import gpu

        return gpu.main(arguments.output)
    return measure(arguments.parts or CPU, arguments.output)


def measure(parts: tuple[str, ...] | list[str], output: Path) -> int:
    """Measures some parts; the table is written when all were asked for, else printed."""
    import importlib

    from benchmarks import history, machine, table

    start, load = time.monotonic(), os.getloadavg()[0]
    rates = machine.measured_rates()
    found: list[Comparison] = []
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            began = time.monotonic()
            measured = _part(part, Path(folder), importlib.import_module)
            found += measured
            print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            print("\n".join(table.lines(measured)), flush=True)
    description = machine.description() | {
        "load_average_before": round(load, 1),
        "minutes": round((time.monotonic() - start) / 60, 1),
    }
    if set(parts) == set(CPU):
        table.write(output, "cpu", "Speed and memory on a CPU", description, rates, found)
        history.plot(history.append(output, description, found), output / history.PLOT)
        print(f"written: {output / 'cpu.md'}", file=sys.stderr)
    return 0


def _part(part: str, folder: Path, load: Callable[[str], object]) -> list[Comparison]:
    if part == "overhead":
        from benchmarks import overhead

        return overhead.compare(folder)
    if part == "seams":
        from benchmarks import seams

        return seams.compare(folder)
    return load(f"benchmarks.{part}").compare()  # type: ignore[attr-defined, no-any-return]


if __name__ == "__main__":
    assert bdgf.__version__
    sys.exit(main())
