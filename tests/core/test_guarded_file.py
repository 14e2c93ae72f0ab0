"""A file that fails after its writer is done with it."""

import io
import signal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bdgf.core.guarded_file import GuardedFile, guarded
from bdgf.core.interruption import Interrupted, listening


def test_what_is_written_is_there(tmp_path: Path) -> None:
    with guarded(tmp_path / "a", "w+b") as file:
        assert file.write(memoryview(b"0123456789")) == 10
        file.seek(2)
        assert file.write(b"ab") == 2
        file.seek(0)
        assert file.read(4) == b"01ab"
        buffer = bytearray(3)
        assert file.readinto(buffer) == 3
        assert buffer == b"456"
        file.truncate(8)
        assert file.seek(0, io.SEEK_END) == 8
        file.flush()
        file.sync()
    assert (tmp_path / "a").read_bytes() == b"01ab4567"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_the_first_failure_is_raised_at_the_end_and_the_writer_sees_none() -> None:
    with pytest.raises(OSError, match="No space left"):  # noqa: PT012, SIM117
        with guarded(Path("/dev/full"), "wb") as file:
            assert file.write(b"some") == 4
            assert file.write(b"more") == 4
            assert file.truncate(3) == 3
    with pytest.raises(OSError, match="No space left") as caught:  # noqa: PT012, SIM117
        with guarded(Path("/dev/full"), "wb") as file:
            file.write(b"some")
            raise RuntimeError("unexpected pos")  # what its writer makes of it
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_errors_of_the_writer_pass_and_the_file_is_closed(tmp_path: Path) -> None:
    kept: list[GuardedFile] = []
    with pytest.raises(ZeroDivisionError), guarded(tmp_path / "a", "wb") as file:  # noqa: PT012
        kept.append(file)
        file.write(b"some")
        print(1 / 0)
    assert kept[0].closed


def test_a_signal_while_hdf5_writes_is_raised_when_the_file_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raised into its callback, HDF5 would end the process when it closes."""
    said: list[str] = []
    opened = open

    class Interrupting(io.FileIO):
        def write(self, content: Any) -> int:
            signal.raise_signal(signal.SIGTERM)
            return super().write(content)

    monkeypatch.setattr("builtins.open", lambda path, mode, **_: Interrupting(path, mode))
    with pytest.raises(Interrupted), listening():  # noqa: PT012, SIM117
        with guarded(tmp_path / "a.h5", "w+b") as raw:
            with h5py.File(raw, "w") as file:
                file["a"] = np.arange(5)
            said.append("written")
    monkeypatch.setattr("builtins.open", opened)
    assert said == ["written"]
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["a"], np.arange(5))
