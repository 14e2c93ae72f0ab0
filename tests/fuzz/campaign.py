"""Many damaged files, each loaded under limits, and a count of what came of them."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from tests.fuzz.mutations import mutate
from tests.fuzz.seeds import Seed

_BAD = ("crash", "hang", "over memory", "defect")
_WARM_UP_SECONDS = 300.0
_WITHOUT_DIGESTS = 0.8  # of the files


@dataclass
class Report:
    """What came of a campaign.

    Attributes:
        outcomes: (format, outcome) -> files.
        refused: Type of the error -> files.
        found: One line for each file that ended badly.
        seconds: It took.
        slowest: Seconds of the slowest file, and what it was.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)
    seconds: float = 0.0
    slowest: tuple[float, str] = (0.0, "")

    @property
    def tried(self) -> int:
        """Files that were loaded."""
        return sum(self.outcomes.values())

    def count(self, outcome: str) -> int:
        """Files with an outcome, of all formats."""
        return sum(n for (_, found), n in self.outcomes.items() if found == outcome)

    @property
    def is_clean(self) -> bool:
        """Whether every file was loaded or refused in one line."""
        return not any(map(self.count, _BAD))

    def table(self) -> str:
        """The counts as Markdown."""
        columns = ("loaded", "refused", *_BAD)
        names = {"over memory": "over 1 GiB", "defect": "other error"}
        head = ["format", "files", *(names.get(c, c) for c in columns)]
        lines = [" | ".join(head), " | ".join(["---"] * len(head))]
        for kind in [*sorted({kind for kind, _ in self.outcomes}), "all"]:
            counts = [self.count(c) if kind == "all" else self.outcomes[kind, c] for c in columns]
            lines.append(" | ".join([kind, str(sum(counts)), *map(str, counts)]))
        types = ", ".join(f"{name} {n}" for name, n in self.refused.most_common()) or "none"
        return "\n".join(
            [*(f"| {line} |" for line in lines), "", f"Errors by type: {types}.",
             f"{self.seconds:.0f} s; the slowest file took {self.slowest[0]:.1f} s "
             f"({self.slowest[1]})."]
        )  # fmt: skip


class _Worker:
    """The process that loads, started again when it ends."""

    def __init__(self, seeds: Sequence[Seed]) -> None:
        unique = {seed.loader: seed for seed in seeds}.values()
        self._warm_up = [(str(s.folder / s.main), s.loader, s.variable) for s in unique]
        self._process: subprocess.Popen[bytes] | None = None

    def load(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        if self._process is None:
            self._start()
        answer = self._ask(request, seconds)
        if answer["outcome"] in ("crash", "hang"):
            self.stop()
        return answer

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.fuzz.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        ready = self._ask({"warm_up": self._warm_up}, _WARM_UP_SECONDS)
        if ready["outcome"] != "ready":
            raise RuntimeError(f"the sound files cannot be loaded: {ready}")

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        process = self._process
        assert process is not None
        into, out = _pipe(process.stdin), _pipe(process.stdout)
        try:
            into.write(json.dumps(request).encode() + b"\n")
            into.flush()
        except BrokenPipeError:
            return {"outcome": "crash", "message": f"code {process.wait()}"}
        if not select.select([out], [], [], seconds)[0]:
            process.kill()
            return {"outcome": "hang", "message": f"no answer in {seconds:g} s"}
        line = out.readline()
        if not line:
            return {"outcome": "crash", "message": f"code {process.wait()}"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(BrokenPipeError):  # a request that nobody took
                    _pipe(pipe).close()
            self._process.wait()
            self._process = None


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def run(
    seeds: Sequence[Seed],
    files: int,
    seed: int,
    work: Path,
    keep: Path | None,
    seconds: float = 20.0,
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """Damages and loads files; each format in turn, and of each format each seed.

    Args:
        seeds: The sound files.
        files: How many to try.
        seed: Decides every draw; file n is the same whatever was tried before it.
        work: An empty folder to write damaged files in.
        keep: Where files that ended badly are kept; None keeps none.
        seconds: Limit of one file.
        say: Takes a line whenever something went badly, and now and then.
    """
    report, worker, begun = Report(), _Worker(seeds), time.monotonic()
    formats = dict.fromkeys(seed.format for seed in seeds)
    by_format = [[seed for seed in seeds if seed.format == name] for name in formats]
    try:
        for number in range(files):
            of_format = by_format[number % len(by_format)]
            chosen = of_format[number // len(by_format) % len(of_format)]
            folder = _damaged(chosen, np.random.default_rng([seed, number]), work / "file")
            path = str(folder / chosen.main)
            request = {"loader": chosen.loader, "path": path, "variable": chosen.variable}
            started = time.monotonic()
            answer = worker.load(request, seconds)
            took = time.monotonic() - started
            _count(report, chosen, number, answer, took)
            if answer["outcome"] in _BAD:
                say(report.found[-1])
                if keep is not None:
                    shutil.copytree(folder, keep / f"{seed}-{number}-{chosen.folder.name}",
                                    dirs_exist_ok=True)  # fmt: skip
            if number % 1000 == 999:
                say(f"{number + 1} files, {time.monotonic() - begun:.0f} s")
    finally:
        worker.stop()
    report.seconds = time.monotonic() - begun
    return report


def _damaged(seed: Seed, rng: np.random.Generator, folder: Path) -> Path:
    """A copy of the seed with one damaged file."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(seed.folder, folder)
    # The main file most of the time; what lies beside it else.
    name = seed.main
    if seed.main not in seed.damaged or (len(seed.damaged) > 1 and rng.random() < 0.4):
        name = seed.damaged[int(rng.integers(len(seed.damaged)))]
    path = folder / name
    path.write_bytes(mutate(path.read_bytes(), name, rng))
    # Artifacts have digests, which would tell any damage: without them their readers see it.
    if rng.random() < _WITHOUT_DIGESTS:
        for digest in folder.glob("*.sha256"):
            digest.unlink()
    return folder


def _count(report: Report, seed: Seed, number: int, answer: dict[str, Any], took: float) -> None:
    outcome = answer["outcome"]
    report.outcomes[seed.format, outcome] += 1
    if outcome == "refused":
        report.refused[answer["type"]] += 1
    report.slowest = max(report.slowest, (took, f"{seed.name}, number {number}"))
    if outcome in _BAD:
        about = f"{answer.get('type', '')} {answer.get('message', '')}"
        report.found.append(f"{outcome}: {seed.name}, number {number}: {about}".strip())
