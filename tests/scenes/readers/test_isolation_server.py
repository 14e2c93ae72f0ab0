"""The server's own promises; `test_isolation` has it read."""

import json
import os
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bdgf.scenes.readers import isolation_server, registry, vector_drivers


def test_memory_is_limited_and_no_core_is_left() -> None:
    code = (
        "import resource; from bdgf.scenes.readers.isolation_server import confine\n"
        "confine(1 << 26)\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)\n"
        "try: bytearray(1 << 27)\n"
        "except MemoryError: print('limited')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ("limited\n" if sys.platform == "linux" else "")


def test_a_child_that_crashes_is_told_by_its_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(request: object, result: int) -> None:
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # pytest would print where
        os.kill(os.getpid(), signal.SIGSEGV)

    monkeypatch.setattr(isolation_server, "_read", crash)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        answer = isolation_server._in_child(theirs, {"seconds": 20}, -1)
    assert answer == {"signal": signal.SIGSEGV}


def test_it_ends_when_who_asked_is_gone(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(3))
    os.mkfifo(tmp_path / "a.tif")
    ours, theirs = socket.socketpair()
    module = [sys.executable, "-m", "bdgf.scenes.readers.isolation_server"]
    with (tmp_path / "result").open("w+b") as result:
        server = subprocess.Popen([*module, str(theirs.fileno())], pass_fds=[theirs.fileno()])
        theirs.close()
        request = {"path": str(tmp_path / "a.tif"), "variable": None, "seconds": 60}
        request |= {"working_folder": str(tmp_path), "most_bytes": 1000, "folders": []}
        socket.send_fds(ours, [json.dumps(request).encode() + b"\n"], [result.fileno()])
        ours.close()
        server.wait(timeout=30)


@pytest.mark.parametrize("suffix", isolation_server._MODULES)
def test_what_is_imported_before_a_file_is_read_exists_and_its_format_is_known(suffix: str) -> None:
    assert suffix in registry.READERS | vector_drivers._DRIVERS
    for module in isolation_server._MODULES[suffix]:
        assert find_spec(module) is not None, module


def test_a_geotiff_is_read_without_what_other_formats_need() -> None:
    code = (
        "import sys; from bdgf.scenes.readers import isolation_server\n"
        "import bdgf.scenes.readers.registry\n"
        "isolation_server._import_readers('A.TIF')\n"
        "print(*sorted({'rasterio', 'xarray', 'h5py', 'pandas', 'scipy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "rasterio\n"
