"""Commands that run, and how they ended; in a child of the zygote or in a process of their own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import psutil

from tests.faults.job import Job
from tests.faults.zygote import READY
from tests.pipelines.project import ENVIRONMENT, ROOT

PATIENCE_SECONDS = 300.0
"""A command that takes longer hangs; the longest takes a tenth of it."""
_GRACE_SECONDS = 5.0  # for what a command started, after the command's end
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: The exit code; of a process that a signal killed, less than 0.
        seconds: Wall time.
        stdout: Standard output.
        stderr: Standard error.
        left: Processes that it had started and that were still there some seconds later.
        hung: Whether it did not end and was killed for that.
    """

    code: int
    seconds: float
    stdout: str
    stderr: str
    left: tuple[str, ...] = ()
    hung: bool = False

    @property
    def error_lines(self) -> list[str]:
        """The lines that a user reads as what went wrong."""
        return [line for line in self.stderr.splitlines() if line.startswith("Error:")]

    @property
    def has_traceback(self) -> bool:
        """Whether a traceback was shown, be it Python's own or the log's."""
        return "Traceback (most recent call last)" in self.stdout + self.stderr

    @property
    def last_line(self) -> str:
        """The last line that was printed."""
        lines = [line for line in (self.stdout + self.stderr).splitlines() if line.strip()]
        return " ".join(lines[-1].split()) if lines else "nothing printed"


class _Waited(Protocol):
    """What tells the exit status of a command."""

    def ended_within(self, seconds: float) -> int | None: ...


@dataclass
class Command:
    """A command under way.

    Attributes:
        pid: Its process; it leads a session of its own.
    """

    pid: int
    waited: _Waited
    printed: tuple[Path, Path]
    started: float = field(default_factory=time.monotonic)
    _code: int | None = None
    _seconds: float = 0.0

    def lasts(self, seconds: float) -> bool:
        """Whether it is still under way after so many seconds from now."""
        if self._code is None:
            self._code = self.waited.ended_within(seconds)
            self._seconds = time.monotonic() - self.started
        return self._code is None

    def has_spoken(self) -> bool:
        """Waits for its first word; False where it ended without one."""
        while not any(path.exists() and path.stat().st_size for path in self.printed):
            if not self.lasts(_POLL_SECONDS):
                return False
        return True

    def send(self, number: signal.Signals, group: bool = False) -> None:
        """Sends a signal to the process, or as a terminal does to all of its group."""
        if self._code is None:
            (os.killpg if group else os.kill)(self.pid, number)

    def end(self) -> Ended:
        """Waits for the end; a command that hangs is killed."""
        hung = self.lasts(PATIENCE_SECONDS)
        if hung:
            self.send(signal.SIGKILL, group=True)
            self.lasts(PATIENCE_SECONDS)
        left = _end_session(self.pid)
        stdout, stderr = (path.read_text(errors="replace") for path in self.printed)
        assert self._code is not None
        return Ended(self._code, self._seconds, stdout, stderr, left, hung)


class Lane:
    """Runs commands one after another, each in a child of one zygote."""

    def __init__(self) -> None:
        self._zygote: subprocess.Popen[str] | None = None

    def start(
        self,
        project: Path,
        arguments: tuple[str, ...],
        *,
        renames: Path | None = None,
        dies_at: str | None = None,
        after_times: int = 0,
        dies: Literal["before", "after"] = "before",
        most_bytes: int | None = None,
        clears: bool = False,
    ) -> Command:
        """Starts `kedro` with `arguments` in a project; see `Job` for the rest."""
        printed = _outputs(project)
        zygote = self._ready()
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        job = Job(
            arguments,
            folder=str(project),
            stdout=str(printed[0]),
            stderr=str(printed[1]),
            renames=str(renames) if renames else None,
            dies_at=dies_at,
            after_times=after_times,
            dies=dies,
            most_bytes=most_bytes,
            clears=clears,
        )
        zygote.stdin.write(job.to_json() + "\n")
        return Command(int(zygote.stdout.readline()), _OfZygote(zygote), printed)

    def run(self, project: Path, arguments: tuple[str, ...], **job: Any) -> Ended:
        """Runs it to its end."""
        return self.start(project, arguments, **job).end()

    def close(self) -> None:
        """Ends the zygote."""
        if self._zygote is not None and self._zygote.stdin is not None:
            self._zygote.stdin.close()
            self._zygote.wait()
        self._zygote = None

    def _ready(self) -> subprocess.Popen[str]:
        if self._zygote is None or self._zygote.poll() is not None:
            self._zygote = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.zygote"],
                cwd=ROOT,
                env=process_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
                start_new_session=True,
            )
            assert self._zygote.stdout is not None
            if (word := self._zygote.stdout.readline().strip()) != READY:
                raise RuntimeError(f"the process that forks does not start: '{word}'")
        return self._zygote


def start_process(project: Path, arguments: tuple[str, ...]) -> Command:
    """Starts `python -m kedro` with `arguments`, with all its seconds of imports."""
    printed = _outputs(project)
    with printed[0].open("w") as stdout, printed[1].open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "kedro", *arguments],
            cwd=project,
            env=process_environment(),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    return Command(process.pid, _OfProcess(process), printed)


@dataclass
class _OfZygote:
    zygote: subprocess.Popen[str]

    def ended_within(self, seconds: float) -> int | None:
        assert self.zygote.stdout is not None
        if not select.select([self.zygote.stdout], [], [], seconds)[0]:
            return None
        return os.waitstatus_to_exitcode(int(self.zygote.stdout.readline()))


@dataclass
class _OfProcess:
    process: subprocess.Popen[bytes]

    def ended_within(self, seconds: float) -> int | None:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


def process_environment() -> dict[str, str]:
    """The environment of commands; `PYTHONPATH` is absolute, as each works in its project."""
    sources = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": sources}
    environment.pop("BDGF_DATA", None)
    return environment


def _outputs(project: Path) -> tuple[Path, Path]:
    number = len(list(project.parent.glob(f"{project.name}.*.stdout")))
    stdout = project.with_name(f"{project.name}.{number}.stdout")
    return stdout, stdout.with_suffix(".stderr")


def session_of(leader: int) -> list[psutil.Process]:
    """The living processes of a session."""
    found = []
    for process in psutil.process_iter(["status"]):
        try:
            if os.getsid(process.pid) == leader and process.info["status"] != "zombie":
                found.append(process)
        except (ProcessLookupError, PermissionError):
            continue
    return found


def _end_session(leader: int) -> tuple[str, ...]:
    """Ends what a command left behind, after some seconds of grace; tells what that was."""
    if not (processes := session_of(leader)):
        return ()
    _, alive = psutil.wait_procs(processes, _GRACE_SECONDS)
    told = []
    for process in alive:
        try:
            told.append(" ".join(process.cmdline())[:200])
            process.kill()
        except psutil.NoSuchProcess:
            continue
    return tuple(told)
