"""Log lines that are piped: whole, and ended with their reader."""

import io
import logging
import sys
from collections.abc import Iterator

import pytest
from rich.console import Console
from rich.logging import RichHandler

from bdgf.framework.piped_log import PipedHandler, whole_lines

PATH = "/" + "/".join(["a_long_folder"] * 30) + "/class_map.tif"


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before = list(root.handlers)
    yield root
    root.handlers[:] = before


def test_a_path_stays_whole_where_rich_would_break_it(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = io.StringIO()
    rich = RichHandler(console=Console(file=screen, width=80))
    root.addHandler(rich)
    with whole_lines(lambda: None):
        logging.getLogger("bdgf.test").warning("map: %s", PATH)
    assert screen.getvalue() == ""
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(f"WARNING  map: {PATH}")
    assert rich in root.handlers
    assert not any(isinstance(handler, PipedHandler) for handler in root.handlers)


def test_a_terminal_keeps_its_colours(root: logging.Logger) -> None:
    rich = RichHandler(console=Console(file=io.StringIO(), force_terminal=True))
    root.addHandler(rich)
    with whole_lines(lambda: None):
        assert rich in root.handlers


def test_a_reader_that_is_gone_is_told_once_and_other_errors_are_logging_s(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    told: list[str] = []
    monkeypatch.setattr(sys, "stdout", Closed())
    handler = PipedHandler(lambda: told.append("gone"))
    record = logging.LogRecord("a", logging.INFO, "f", 1, "%s", ("b",), None)
    handler.emit(record)
    assert told == ["gone"]
    assert capsys.readouterr().err == ""
    handler.emit(logging.LogRecord("a", logging.INFO, "f", 1, "%d", ("b",), None))
    assert "Logging error" in capsys.readouterr().err
