"""One bench at a time in a folder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bdgf.core.errors import SettingsError, StorageError
from bdgf.experiments.bench_lock import alone_in
from tests.messages import telling

HOLDER = """
import sys, time
from pathlib import Path
from bdgf.experiments.bench_lock import alone_in
with alone_in(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_bench_is_refused_with_the_process_of_the_first_and_a_dead_one_is_none(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        told = telling("another bench", str(tmp_path), f"process {holder.pid}")
        with pytest.raises(SettingsError, match=told), alone_in(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
    with alone_in(tmp_path):
        assert (tmp_path / "bench.pid").read_text().strip() == str(os.getpid())
    assert not (tmp_path / "bench.pid").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"), alone_in(tmp_path / "file" / "bench"):
        pass
