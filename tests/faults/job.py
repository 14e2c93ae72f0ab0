"""What a forked child is to run, and what is to happen to it from within."""

from __future__ import annotations

import json
import resource
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Job:
    """One `kedro` command.

    Attributes:
        arguments: What is typed behind `kedro`.
        folder: The working directory, the project's folder.
        stdout: File of the standard output.
        stderr: File of the standard error.
        renames: File that each rename and link in the project is noted in; None for none.
        dies_at: The file at whose rename it is killed, its version left open; None for none.
        after_times: How often that file appears before.
        dies: Whether it is killed just before that rename or just after it.
        most_bytes: The size that no file of it may exceed; None for no limit.
        clears: Whether the interpreter clears its modules at the end, as it does for a user. Files
            that are closed only then may fail then.
    """

    arguments: tuple[str, ...]
    folder: str
    stdout: str
    stderr: str
    renames: str | None = None
    dies_at: str | None = None
    after_times: int = 0
    dies: Literal["before", "after"] = "before"
    most_bytes: int | None = None
    clears: bool = False

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Job:
        """The job of a line that `to_json` made."""
        read = json.loads(line)
        return cls(**{**read, "arguments": tuple(read["arguments"])})

    def limit(self) -> None:
        """Limits this process as the job says."""
        if self.most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.most_bytes, self.most_bytes))
