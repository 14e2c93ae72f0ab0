"""Runs the parts, each in a separate process that is cut when its time is over."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.gpu_check import report
from benchmarks.gpu_check.parts import PARTS, PRELOADED, Part
from benchmarks.gpu_check.record import Record, Setting, write_whole

START = Part("machine", "benchmarks.gpu_check.speed:machine_facts", 90)
_TRACEBACK_LINES = 12
_PATIENCE = 2.0  # seconds that a killed process may take to go


def run(setting: Setting, minutes: float, parts: Sequence[Part] = PARTS) -> int:
    """Runs the parts one after the other and writes the report after each.

    Args:
        setting: Device, sizes and the folder of the report.
        minutes: Time for all of them.
        parts: The parts.

    Returns:
        The exit code: 0 when every equality part passed.
    """
    end = time.monotonic() + 60 * minutes
    setting.folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {
        "device": setting.device,
        "tiny": setting.tiny,
        "minutes": minutes,
        "passed": None,
        "parts": {},
    }
    with TemporaryDirectory() as work:
        method, found["machine"] = _start(setting, Path(work))
        for part in parts:
            outcome = _run_part(part, setting, end - time.monotonic(), Path(work), method)
            found["parts"][part.name] = outcome
            report.write(setting.folder, found)
    equal = [found["parts"][part.name]["state"] == "passed" for part in parts if part.equality]
    found["passed"] = all(equal)
    report.write(setting.folder, found)
    print("\n".join(report.lines(found)), flush=True)
    return 0 if found["passed"] else 1


def _start(setting: Setting, work: Path) -> tuple[str, dict[str, Any]]:
    # How processes begin: forked from one that has imported all, unless the GPU minds that.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    outcome: dict[str, Any] = {}
    for method in ("forkserver", "spawn"):
        outcome = _run_part(START, setting, START.seconds, work, method)
        if outcome["state"] == "passed":
            return method, {**outcome["notes"], "processes": method, "seconds": outcome["seconds"]}
    return "spawn", outcome


def _run_part(part: Part, setting: Setting, left: float, work: Path, method: str) -> dict[str, Any]:
    if part.cuda and setting.device != "cuda":
        return {"state": "skipped", "reason": "it needs a CUDA device"}
    if left < part.least:
        return {"state": "skipped", "reason": f"{max(left, 0):.0f} s were left"}
    seconds = min(part.seconds, left)
    print(f"{part.name}: at most {seconds:.0f} s", flush=True)
    file = work / f"{part.name}.json"
    context: Any = multiprocessing.get_context(method)
    began = time.monotonic()
    process = context.Process(
        target=_child, args=(part, replace(setting, seconds=seconds), file), daemon=False
    )
    try:
        process.start()
    except (OSError, EOFError) as error:  # what processes are forked from did not survive
        return {"state": "died", "error": {"type": type(error).__name__, "message": str(error)}}
    process.join(seconds)
    cut = process.is_alive()
    _end(process)
    outcome: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    outcome = {"state": "", "seconds": round(time.monotonic() - began, 1)} | outcome
    outcome["state"] = _state(outcome, cut)
    if outcome["state"] == "died":
        outcome["error"] = {"type": "exit", "message": f"exit code {process.exitcode}"}
    print(f"{part.name}: {outcome['state']} in {outcome['seconds']:.0f} s", flush=True)
    return outcome


def _state(outcome: dict[str, Any], cut: bool) -> str:
    if not outcome.get("ended"):
        return "cut" if cut else "died"
    if "error" in outcome:
        return "failed"
    return "passed" if all(check["met"] for check in outcome["checks"]) else "failed"


def _end(process: BaseProcess) -> None:
    # With all that it started: it leads a group of its own.
    assert process.pid is not None
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # gone, or not yet a leader
        if process.is_alive():
            process.kill()
    process.join(_PATIENCE)


def _child(part: Part, setting: Setting, file: Path) -> None:
    if hasattr(os, "setsid"):
        os.setsid()
    record = Record(file)
    try:
        part.load()(setting, record)
    except BaseException as error:
        tail = traceback.format_exc().splitlines()[-_TRACEBACK_LINES:]
        record.entries["error"] = {
            "type": type(error).__name__,
            "message": str(error)[:2000],
            "traceback": tail,
        }
        print("\n".join(tail), flush=True)
    record.entries["ended"] = True
    write_whole(file, json.dumps(record.entries))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # nothing of what a driver does at an exit is waited for
