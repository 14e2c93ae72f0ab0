"""`python -m tests.faults`: what a run survives, as a table."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.bench import benches
from tests.faults.commands import Lane
from tests.faults.damage import damages
from tests.faults.disk import disks
from tests.faults.injections import Injection, repeats
from tests.faults.kills import kills
from tests.faults.record import FaultRecord, Result
from tests.faults.signals import signals
from tests.faults.stages import STAGES, Stage, run_stages
from tests.faults.tmpfs import is_offered
from tests.faults.together import together
from tests.faults.work import chosen, spread, work_off

KINDS = ("repeat", "together", "bench", "kills", "signals", "disk", "damage")
_OF_STAGES = {"kills": kills, "signals": signals, "damage": damages, "disk": disks}
_LANES = 2  # of one thread each
_ROOM = 4 * 2**30


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=28.0, help="None starts later than that.")
    parser.add_argument(
        "--only",
        default="",
        help=f"Kinds ({', '.join(KINDS)}) or names of faults, commas between them.",
    )
    parser.add_argument("--each", type=int, help="So many faults of each kind and stage.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("data/faults"), help="Takes the record.")
    return parser.parse_args()


def _injections(stages: list[Stage]) -> Iterator[Injection]:
    yield from repeats(stages)
    yield from together()
    yield from benches()
    for kind, of_stages in _OF_STAGES.items():
        if kind != "disk" or is_offered():
            yield from of_stages(stages)


def _first_of_each(injections: list[Injection], each: int) -> Iterator[Injection]:
    counts: dict[tuple[str, str], int] = {}
    for injection in injections:
        key = (injection.kind, injection.stage)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= each:
            yield injection


def main() -> int:
    """Runs it; 1 if anything did not survive."""
    options, started = _arguments(), time.monotonic()
    # Behind `nohup` or `&` it is ignored, and commands inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    only = [name.strip() for name in options.only.split(",") if name.strip()]
    folder = Path(tempfile.mkdtemp(prefix="bdgf-faults-", dir=_fast_place()))
    kept = options.out / "not_survived"
    shutil.rmtree(kept, ignore_errors=True)
    try:
        lane = Lane()
        stages = run_stages(lane, folder / "undisturbed", STAGES)
        lane.close()
        for stage in stages:
            print(f"{stage.name}: {stage.seconds:.1f} s undisturbed", flush=True)
        planned = spread(chosen(_injections(stages), only), options.seed)
        if options.each is not None:
            planned = list(_first_of_each(planned, options.each))
        deadline = started + options.minutes * 60
        results = work_off(*(planned, folder / "work", kept, options.seed, deadline, _LANES), _say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if not results:
        print(f"nothing is named {options.only}", file=sys.stderr)
        return 2
    record = FaultRecord(
        sorted(results, key=lambda result: KINDS.index(result.kind)),
        options.seed,
        (time.monotonic() - started) / 60,
        _notes(only),
    )
    written = record.write(options.out)
    print(f"\n{record.markdown()}\nwritten: {', '.join(map(str, written))}")
    return int(bool(record.not_survived))


def _fast_place() -> Path | None:
    """Memory where there is enough: a disk spends a third of the time on flushing databases."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        return None
    return memory if shutil.disk_usage(memory).free >= _ROOM else None


def _say(result: Result) -> None:
    assert result.verdict is not None
    end = "survived" if result.verdict.survived else f"NOT: {'; '.join(result.verdict.faults)}"
    print(f"{result.name} ({result.verdict.how}): {end}", flush=True)


def _notes(only: list[str]) -> list[str]:
    if is_offered() or (only and not any(name.startswith("disk") for name in only)):
        return []
    return ["Left out (disk): it needs root, to mount small file systems in memory."]


if __name__ == "__main__":
    sys.exit(main())
