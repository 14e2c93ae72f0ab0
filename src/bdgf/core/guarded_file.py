"""A file for C libraries that fail if the disk is full when they close."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bdgf.core.interruption import raise_if_requested, uninterruptible


class GuardedFile(io.RawIOBase):
    """A binary file whose first failed write is kept and raised later, not into its writer.

    HDF5 ends the process by a segmentation fault when the flush at closing fails, and PyTorch
    hides what the system said behind a message of its own. After the first failure nothing is
    written any more, and the writer is left to believe that all is well: it closes, and then
    `check` raises what went wrong. A signal waits likewise.

    Attributes:
        error: The first failure.
    """

    def __init__(self, path: Path, mode: str) -> None:
        """Opens the file unbuffered; `mode` is that of `open`, binary."""
        self._file: Any = open(path, mode, buffering=0)  # noqa: SIM115 - closed by `close`
        self.error: OSError | None = None

    @uninterruptible
    def write(self, content: Any) -> int:
        """Writes all of `content`, or nothing after a failure; always says that all is written."""
        rest = memoryview(content).cast("B")
        size = len(rest)
        while len(rest) and self.error is None:
            try:
                rest = rest[self._file.write(rest) :]
            except OSError as error:
                self.error = error
        if len(rest):  # where the writer believes to be
            self._file.seek(len(rest), os.SEEK_CUR)
        return size

    @uninterruptible
    def truncate(self, size: int | None = None) -> int:
        """Cuts or extends the file, if nothing failed yet."""
        if self.error is None:
            try:
                return int(self._file.truncate(size))
            except OSError as error:
                self.error = error
        return self.tell() if size is None else size

    @uninterruptible
    def read(self, size: int = -1) -> bytes:
        """Reads."""
        return bytes(self._file.read(size))

    @uninterruptible
    def readinto(self, buffer: Any) -> int:
        """Reads into a buffer, from one system call to the next until it is full."""
        view, done = memoryview(buffer).cast("B"), 0
        while done < len(view) and (got := self._file.readinto(view[done:])):
            done += got
        return done

    @uninterruptible
    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to a position."""
        return int(self._file.seek(offset, whence))

    @uninterruptible
    def tell(self) -> int:
        """The position."""
        return int(self._file.tell())

    @uninterruptible
    def flush(self) -> None:
        """Does nothing: every write is the system's at once."""

    def sync(self) -> None:
        """Waits until the disk has it.

        Raises:
            OSError: The disk refused.
        """
        self.check()
        os.fsync(self._file.fileno())

    def check(self) -> None:
        """Raises what went wrong.

        Raises:
            OSError: A write failed.
        """
        if self.error is not None:
            raise self.error

    @uninterruptible
    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        super().close()

    @uninterruptible
    def readable(self) -> bool:
        """Whether it can be read, as its mode says."""
        return bool(self._file.readable())

    @uninterruptible
    def writable(self) -> bool:
        """True."""
        return True

    @uninterruptible
    def seekable(self) -> bool:
        """True."""
        return True


@contextmanager
def guarded(path: Path, mode: str) -> Iterator[GuardedFile]:
    """A `GuardedFile` that is closed at the end of the block.

    Args:
        path: The file.
        mode: That of `open`, binary.

    Raises:
        OSError: The disk refused; what the writer raised over that is its consequence.
        Interrupted: A signal came while the writer used the file.
    """
    file = GuardedFile(path, mode)
    try:
        try:
            yield file
        except Exception as error:
            if file.error is not None:
                raise file.error from error
            raise
        file.check()
    finally:
        file.close()
    raise_if_requested()
