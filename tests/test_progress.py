"""Progress: silent while short, then rates and the time left, on terminals and in logs."""

import io
import sys

import pytest

from jaxsnn_noise import progress
from jaxsnn_noise.progress import Meter


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def run(meter, clock, *, seconds, total=10):
    for done in range(1, total + 1):
        clock[0] += seconds / total
        meter(done, total)


def test_short_work_prints_nothing(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    run(Meter("study", "members"), clock, seconds=1.0)
    assert log.getvalue() == ""


def test_a_log_gets_a_line_now_and_then_with_rate_and_time_left(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    run(Meter("study", "members"), clock, seconds=50.0)
    lines = log.getvalue().splitlines()
    assert lines[0] == "study: 1/10 members"
    assert lines[1] == "study: 2/10 members, 0.2 members/s, 40 s left"
    assert lines[-1] == "study: 10/10 members, 0.2 members/s, 0 s left"


def test_compilation_before_the_first_piece_slows_no_rate(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    meter = Meter("study", "members")
    clock[0] += 60.0  # compiled
    run(meter, clock, seconds=50.0)
    assert "0.2 members/s, 40 s left" in log.getvalue().splitlines()[1]
    pace = progress.Pace()
    assert [pace(done, now) for done, now in ((0, 0.0), (3, 9.0), (6, 9.5), (9, 11.0))] == [None, None, None, 3.0]


def test_a_terminal_rewrites_one_line_and_ends_it(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", out := Terminal())
    run(Meter("study", "members"), clock, seconds=50.0)
    text = out.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert text.count("\r\033[K") == 10


def test_lines_are_not_more_frequent_than_asked_for(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    run(Meter("study", "members", after=0.0, every=1.0), clock, seconds=10.0, total=100)
    assert len(log.getvalue().splitlines()) <= 4
