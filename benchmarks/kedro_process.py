"""A `kedro run` in a process of its own, whose time and memory are looked at from outside.

Resident memory, that of its children too, is looked at five times a second. Processor time tells
how the work grows, even where other work runs beside.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 2**20
NODE = re.compile(r"INFO +\[\d+/\d+\] (.+?) *$", re.MULTILINE)
"""A line of the log with which a node begins."""
START = "start"
"""Stage before the first node."""
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Stage:
    """What a part of a run took.

    Attributes:
        seconds: From its start to its end.
        cpu: Processor seconds.
        peak: Most bytes that the run's processes held resident together.
    """

    seconds: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Run:
    """What a run took.

    Attributes:
        seconds: From its start to its end.
        cpu: Processor seconds of the process and the children that it waited for.
        peak: Most bytes that it and its children held resident together.
        mapping: Seconds of the mapping alone, where it mapped; else `seconds`.
        stages: By the names of nodes, in order, from `START` on.
    """

    seconds: float
    cpu: float
    peak: int
    mapping: float
    stages: dict[str, Stage]


class Stopped(SystemExit):
    """This process was asked to end while a run went on.

    Attributes:
        run: What the run took until then.
    """

    def __init__(self, run: Run, code: object) -> None:
        super().__init__(code)
        self.run = run


def run_kedro(folder: Path, pipeline: str, params: str) -> Run:
    """Runs a pipeline in the project `folder` and looks at it meanwhile.

    Args:
        folder: The project.
        pipeline: The pipeline's name.
        params: As of `kedro run`.

    Raises:
        Stopped: This process is asked to end (Ctrl-C, SIGTERM by `clean_up_when_ended`); the run
            has ended too.
        SystemExit: The run failed.
    """
    environment = {
        **os.environ,
        "BDGF_DATA": str(folder / "raw"),
        "DO_NOT_TRACK": "1",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "kedro", "run", f"--pipeline={pipeline}", "--params", params]
    started, cpu_before = time.monotonic(), _cpu_of_children()
    looks: list[tuple[str, float, float, int]] = []
    stopped: object = None
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                stage = [START, *NODE.findall((folder / "log").read_text())][-1]
                looks.append((stage, time.monotonic() - started, *_now(process.pid)))
                time.sleep(_LOOK_SECONDS)
        except (KeyboardInterrupt, SystemExit) as asked:
            stopped = getattr(asked, "code", None) or 128 + signal.SIGINT
        finally:  # the run does not outlive this process
            if process.poll() is None:
                process.terminate()
                process.wait()
    seconds, cpu = time.monotonic() - started, _cpu_of_children() - cpu_before
    text = (folder / "log").read_text()
    if process.returncode and stopped is None:
        raise SystemExit(f"{' '.join(command)} ends with {process.returncode}:\n{text[-3000:]}")
    lines = [line for line in text.splitlines() if "mapping " in line and " pixels in " in line]
    run = Run(
        seconds,
        cpu,
        max((peak for *_, peak in looks), default=0),
        _seconds(lines[-1]) if lines else seconds,
        stages_of([*looks, ("", seconds, cpu, 0)]),
    )
    if stopped is not None:
        raise Stopped(run, stopped)
    return run


def stages_of(looks: list[tuple[str, float, float, int]]) -> dict[str, Stage]:
    """Sums up what was seen of each stage.

    Args:
        looks: Stage, seconds since the start, processor seconds since then, resident bytes; in
            order. The last one is the end. A stage lasts until the next one was seen first.
    """
    firsts = [n for n, look in enumerate(looks) if n == 0 or look[0] != looks[n - 1][0]]
    found = {}
    for first, after in itertools.pairwise(firsts):
        (name, began, cpu_began, _), (_, ended, cpu_ended, _) = looks[first], looks[after]
        if first == 0:
            began = cpu_began = 0.0
        peak = max(look[3] for look in looks[first:after])
        # What a child did is known of a child that lives: the sum may fall when one ends.
        found[name] = Stage(ended - began, max(0.0, cpu_ended - cpu_began), peak)
    return found


def _cpu_of_children() -> float:
    """Processor seconds of the children that have ended and were waited for."""
    times = os.times()
    return times.children_user + times.children_system


def _seconds(line: str) -> float:
    """Of the progress bar's last words: "8 s", "2:05 min", "1:03 h"."""
    number, unit = line.split(" pixels in ")[1].split()[:2]
    whole, _, part = number.partition(":")
    each = {"s": 1, "min": 60, "h": 3600}[unit]
    return float(whole) * each + float(part or 0) * each / 60


def _now(pid: int) -> tuple[float, int]:
    """Processor seconds so far and resident bytes of a process and its children."""
    cpu, resident = 0.0, 0
    try:
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            try:
                times = one.cpu_times()
                cpu += times.user + times.system
                if one.pid == pid:  # its children that have ended
                    cpu += times.children_user + times.children_system
                resident += one.memory_full_info().pss  # what is shared counts once
            except psutil.NoSuchProcess:
                continue
    except psutil.NoSuchProcess:
        pass
    return cpu, resident
