"""`kedro` in a process that does not outlive the one that started it.

Standard input is a pipe that nobody writes to. The system closes it when the process at its other
end is gone, killed or not, on every platform: a run of a bench that is no more would go on for
hours, beside the same run of the next bench.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

LAST_SECONDS = 60.0
"""Time that a run is given to save what it has."""


def end_with_parent(pipe: int, last_seconds: float = LAST_SECONDS) -> None:
    """Ends this process soon after the other end of a pipe is closed.

    Args:
        pipe: File descriptor of the end to read.
        last_seconds: From the first request to end (SIGTERM) to the end without asking.
    """

    def watch() -> None:
        while os.read(pipe, 1):
            continue
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(last_seconds)
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=watch, name="bdgf-parent", daemon=True).start()


def main() -> None:
    """Runs `kedro` with the arguments of the command line."""
    end_with_parent(sys.stdin.fileno())
    from kedro.framework.cli import main as kedro

    kedro()


if __name__ == "__main__":
    main()
