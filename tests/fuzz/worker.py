"""A process that loads one file after another and says how each ended; `campaign` starts it.

    python -m tests.fuzz.worker

takes a line of JSON a file on standard input, and answers with a line on standard output.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

from bdgf.core.errors import UserError
from tests.fuzz.loaders import LOADERS

MOST_BYTES = 2**30
"""Memory that loading a file may take beside what the process has."""


def _held_bytes() -> int:
    """The most memory that was held since `_forget_peak`."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _load(request: dict[str, Any]) -> dict[str, Any]:
    _forget_peak()
    before = _held_bytes()
    answer: dict[str, Any] = {"outcome": "loaded"}
    try:
        LOADERS[request["loader"]](Path(request["path"]), request["variable"])
    except MemoryError:
        answer = {"outcome": "over memory", "type": "MemoryError", "message": _where()}
    except Exception as error:
        answer = {"outcome": "defect", "type": type(error).__name__, "message": _where()}
        known = _user_error(error)
        if known is not None and str(known).strip() and "\n" not in str(known):
            answer = {"outcome": "refused", "type": type(known).__name__, "message": str(known)}
    answer["bytes"] = _held_bytes() - before
    if answer["bytes"] > MOST_BYTES:
        answer["outcome"] = "over memory"
    return answer


def _load_copy(path: Path, loader: str, variable: str | None) -> None:
    """Loads a copy: some loaders put what they refuse aside."""
    with tempfile.TemporaryDirectory(prefix="fuzz_") as folder:
        copy = shutil.copytree(path.parent, Path(folder) / "sound")
        LOADERS[loader](copy / path.name, variable)


def _user_error(error: BaseException | None) -> UserError | None:
    """The word to the user in a chain of causes: Kedro wraps what its datasets raise."""
    while error is not None and not isinstance(error, UserError):
        error = error.__cause__
    return error


def _where() -> str:
    lines = traceback.format_exc().strip().splitlines()
    ours = [line.strip() for line in lines if "/bdgf/" in line]
    return f"{lines[-1]} at {ours[-1] if ours else lines[-3].strip()}"


def main() -> None:
    """Answers until its input ends."""
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    for line in sys.stdin:
        request = json.loads(line)
        if "warm_up" in request:
            for path, loader, variable in request["warm_up"]:
                _load_copy(Path(path), loader, variable)
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            most = pages * resource.getpagesize() + 2 * MOST_BYTES  # addresses, not all of it held
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            answer = {"outcome": "ready"}
        else:
            answer = _load(request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
