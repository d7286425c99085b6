"""Progress: silent while short, then rates and the time left, on terminals and in logs."""

import io

import pytest

from jaxsnn_noise.progress import Meter, Pace, duration_text, progress_text


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def run(meter, clock, *, seconds, total=10):
    for done in range(1, total + 1):
        clock.now += seconds / total
        meter(done, total)


def test_short_work_prints_nothing(clock, capsys):
    run(Meter("study", "members", clock=clock), clock, seconds=1.0)
    assert capsys.readouterr().err == ""


def test_a_log_gets_a_line_now_and_then_with_rate_and_time_left(clock, capsys):
    run(Meter("study", "members", clock=clock), clock, seconds=50.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "study: 1 of 10 members"
    assert lines[1] == "study: 2 of 10 members, 0.2/s, 40 s left"
    assert lines[-1] == "study: done in 50 s"


def test_compilation_before_the_first_piece_slows_no_rate(clock, capsys):
    meter = Meter("study", "members", clock=clock)
    clock.now += 60.0  # compiled
    run(meter, clock, seconds=50.0)
    assert "0.2/s, 40 s left" in capsys.readouterr().err.splitlines()[1]
    pace = Pace()
    assert [pace(done, now) for done, now in ((0, 0.0), (3, 9.0), (6, 9.5), (9, 11.0))] == [None, None, None, 3.0]


def test_lines_of_a_log_become_rare(clock, capsys):
    run(Meter("study", "members", clock=clock), clock, seconds=1000.0, total=1000)
    lines = capsys.readouterr().err.splitlines()
    assert 30 < len(lines) < 45  # one in half a minute


def test_a_terminal_rewrites_one_line_every_second_and_ends_it(clock):
    out = Terminal()
    run(Meter("study", "members", to=out, clock=clock), clock, seconds=50.0, total=500)
    text = out.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("study: done in 50 s\n")
    assert 45 <= text.count("\r\033[K") <= 50


def test_what_is_done_may_change_on_the_way(clock, capsys):
    meter = Meter("fit", "epochs", clock=clock)
    clock.now += 3.0
    meter.what = "fit: loss 0.5"
    meter(1, 2)
    assert capsys.readouterr().err == "fit: loss 0.5: 1 of 2 epochs\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert duration_text(seconds) == text


def test_rates_and_time_left():
    assert progress_text(0, 10, "runs", None) == "0 of 10 runs"
    assert progress_text(5000, None, "", 5000.0) == "5,000, 5,000/s"
    assert progress_text(2, 4, "runs", 1 / 30) == "2 of 4 runs, 2/min, 1 min 0 s left"
