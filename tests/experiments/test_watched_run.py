"""A run that does not outlive its bench."""

import signal
import subprocess
import sys

import pytest

CHILD = """
import signal, time
from bdgf.experiments.watched_run import end_with_parent
{first}
end_with_parent(0, last_seconds=0.1)
print("begun", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("", -signal.SIGTERM),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", 128 + signal.SIGTERM),
    ],
    ids=["one that listens", "one that does not"],
)
def test_a_run_ends_when_the_other_end_of_its_pipe_is_gone(first: str, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD.format(first=first)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"begun\n"
        assert child.poll() is None
        child.stdin.close()
        assert child.wait(30) == code
