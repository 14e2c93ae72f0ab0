"""A PostgreSQL of a test's own on this machine, for as long as a block runs."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.pipelines.ports import free_port

PATIENCE = 60.0
"""Seconds that it may take to start on a busy machine."""
_USER, _PASSWORD = "mlflow", "only-here"
_UNPRIVILEGED = "nobody"
"""Who it belongs to where the tests run as root, which it refuses."""


def initdb() -> Path | None:
    """The program that makes a database cluster; Debian keeps it off the path."""
    beside = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (beside[-1] if beside else None)
    return Path(found).resolve() if found else None


@contextmanager
def postgresql(program: Path) -> Iterator[str]:
    """Starts it with an empty database; gives the address that MLflow takes.

    Args:
        program: What `initdb` gave.
    """
    who: dict[str, Any] = {}
    # Not in pytest's folder, which is closed to other users.
    with tempfile.TemporaryDirectory(prefix="bdgf-postgresql-") as folder:
        home, port = Path(folder), free_port()
        password, data, said = home / "password", home / "data", home / "said.txt"
        password.write_text(_PASSWORD)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_UNPRIVILEGED)
            who = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            for path in (home, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        made = ["--auth=scram-sha-256", f"--username={_USER}", f"--pwfile={password}", "--no-sync"]
        made += ["--locale=C", "--encoding=UTF8"]
        subprocess.run(
            [program, "-D", data, *made], check=True, capture_output=True, cwd=folder, **who
        )
        chosen = {"listen_addresses": "127.0.0.1", "port": port, "fsync": "off"}
        chosen["unix_socket_directories"] = folder
        options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        with said.open("w") as log:
            server = subprocess.Popen(
                [program.with_name("postgres"), "-D", data, *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                **who,
            )
        try:
            _create(port, server, said)
            yield f"postgresql+pg8000://{_USER}:{_PASSWORD}@127.0.0.1:{port}/mlflow"
        finally:
            server.send_signal(signal.SIGINT)  # ends its sessions too
            server.wait()


def _create(port: int, server: subprocess.Popen[bytes], said: Path) -> None:
    from pg8000.dbapi import DatabaseError, InterfaceError, connect

    until = time.monotonic() + PATIENCE
    where = {"host": "127.0.0.1", "port": port, "user": _USER, "password": _PASSWORD}
    while True:
        try:
            connection = connect(**where, database="postgres", timeout=5)
            break
        except (DatabaseError, InterfaceError, OSError):
            assert server.poll() is None, said.read_text()
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.1)
    connection.autocommit = True  # a database is not made within a transaction
    connection.cursor().execute("create database mlflow")
    connection.close()
