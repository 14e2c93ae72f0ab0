"""A server of files on 127.0.0.1 that can break off, refuse, and do without ranges."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PIECES = 10


class FileServer(ThreadingHTTPServer):
    """Serves `files` by name; the tests set how.

    Attributes:
        files: Name -> bytes.
        breaks_after: Bytes of an answer after which the connection is cut; None sends all.
        seconds_a_piece: Pause after each of ten pieces of an answer.
        ranges: Whether a part of a file may be asked for.
        asked: The header `Range` of each request, "" where there was none.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.breaks_after: int | None = None
        self.ranges = True
        self.seconds_a_piece = 0.0
        self.asked: list[str] = []

    def address(self, name: str) -> str:
        """The address of a file."""
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.server.asked.append(wanted)
        data = self.server.files.get(self.path[1:])
        if data is None:
            self.send_error(404)
            return
        first = int(wanted[6:-1]) if wanted and self.server.ranges else 0
        if first >= len(data) > 0 and first:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        end = None if self.server.breaks_after is None else first + self.server.breaks_after
        sent = data[first:end]
        step = len(sent) // _PIECES + 1
        with suppress(OSError):  # whoever asked may be gone
            for start in range(0, len(sent), step):
                self.wfile.write(sent[start : start + step])
                time.sleep(self.server.seconds_a_piece)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def serving() -> Iterator[FileServer]:
    """A server that runs while the block does."""
    server = FileServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
