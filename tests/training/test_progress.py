import io
import logging

import pytest
from rich.console import Console
from rich.logging import RichHandler

from bdgf.training import progress
from bdgf.training.progress import PIXELS, ProgressBar, RecentRate, format_rate, format_seconds


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    return clock


def test_the_rate_is_that_of_the_recent_past():
    rate = RecentRate(done=500, now=0.0)
    assert rate.per_second() == 0
    done = 500
    for second in range(1, 101):
        done += 10 if second <= 50 else 2
        rate.add(done, float(second))
    assert rate.per_second() == pytest.approx(2)


def test_without_a_terminal_there_is_a_log_line_now_and_then(clock, caplog):
    caplog.set_level(logging.INFO)
    with ProgressBar("fitting", 1000, done=400, console=Console(file=io.StringIO())) as bar:
        for step in range(401, 501):
            clock.now += 0.5
            bar.update(step, loss=0.25)
    lines = [record.message for record in caplog.records]
    assert lines[0] == "fitting: 440/1,000 steps  2/s  4:40 min left  loss 0.25"
    assert len(lines) == 3
    assert lines[-1] == "fitting: 100 steps in 50 s"


def test_a_work_that_was_done_already_says_nothing(caplog):
    caplog.set_level(logging.INFO)
    with ProgressBar("fitting", 10, done=10, console=Console(file=io.StringIO())):
        pass
    assert not caplog.records


def test_on_a_terminal_the_bar_lives_with_log_lines(clock):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    handler = RichHandler(console=console, show_path=False)
    logger = logging.getLogger("test_progress")
    logger.addHandler(handler)
    with ProgressBar("fitting", 10, console=console) as bar:
        for step in range(1, 11):
            clock.now += 1
            bar.update(step, loss=0.5)
            if step == 5:
                logger.warning("half of it")
    logger.removeHandler(handler)
    shown = screen.getvalue()
    assert "5/10 steps  1/s  5.0 s left" in shown
    assert "loss 0.5" in shown
    assert sum("half of it" in line for line in shown.splitlines()) == 1


def test_a_bar_inside_another_does_not_break_it(clock, caplog):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    with ProgressBar("outer", 10, console=console) as outer:
        with ProgressBar("inner", 10, console=console) as inner:
            clock.now += 30
            inner.update(3)
        clock.now += 30
        outer.update(7)
    assert "7/10 steps" in screen.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.3, "0.3 s"), (42, "42 s"), (125, "2:05 min"), (3780, "1:03 h")]
)
def test_durations(seconds, text):
    assert format_seconds(seconds) == text


def test_pixels_have_their_rate_beside_them(clock, caplog):
    caplog.set_level(logging.INFO)
    console = Console(file=io.StringIO())
    with ProgressBar("mapping", 100_000, unit=PIXELS, console=console) as bar:
        clock.now += 25
        bar.advance(30_000)
        clock.now += 25
        bar.advance(20_000)
    first, _, last = [record.message for record in caplog.records]
    assert first == "mapping: 30,000/100,000 px  1,200 px/s  58 s left"
    assert last == "mapping: 50,000 px in 50 s, 1,000 px/s"


def test_rates_are_short():
    assert [format_rate(rate) for rate in (0.25, 12.5, 3490.4)] == ["0.25", "12.5", "3,490"]
