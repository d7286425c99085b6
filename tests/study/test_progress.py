from __future__ import annotations

import io

import pytest
import xarray

from jaxsnn_noise.study.progress import Lines, Live, Progress, Silent, display_for


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_come_at_growing_intervals_and_at_the_end():
    clock, stream = Clock(), io.StringIO()
    with Progress(Lines(stream, clock)).task("sweep", total=1000, unit="runs") as task:
        for _ in range(1000):
            clock.now += 0.1
            task.advance()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "sweep: 20 of 1,000 runs, 10/s, 1 min 38 s left"
    assert lines[-1] == "sweep: done in 1 min 40 s"
    assert 6 <= len(lines) <= 9  # 2, 5, 9.5, 16.25, ... s, then every 30 s


def test_a_task_that_fails_is_not_done():
    stream = io.StringIO()
    with pytest.raises(KeyError), Progress(Lines(stream)).task("sweep"):
        raise KeyError
    assert stream.getvalue().startswith("sweep: stopped after")


def test_a_task_takes_done_and_total_as_monte_carlo_gives_them():
    clock, stream = Clock(), io.StringIO()
    with Progress(Lines(stream, clock)).task("grid", unit="members") as task:
        clock.now = 10.0
        task.update(3, 10)
        clock.now = 14.0
        task.update(5, 10)
    assert stream.getvalue().splitlines()[:2] == ["grid: 3 of 10 members", "grid: 5 of 10 members, 0.5/s, 10 s left"]


def test_a_terminal_gets_a_bar():
    stream = Terminal()
    display = display_for(stream)
    assert isinstance(display, Live)
    assert isinstance(display_for(io.StringIO()), Lines)
    progress = Progress(display)
    with progress.task("outer", total=2) as task:
        assert list(progress.track([1, 2], "inner [x]", unit="images")) == [1, 2]
        task.advance(2)
    assert "inner [x]: done in" in stream.getvalue()
    assert "outer: done in" in stream.getvalue()


def test_a_stage_is_computed_once():
    class Shelf:
        def __init__(self) -> None:
            self.kept: dict[str, xarray.Dataset] = {}

        def get(self, name: str) -> xarray.Dataset | None:
            return self.kept.get(name)

        def put(self, name: str, dataset: xarray.Dataset) -> None:
            self.kept[name] = dataset

    shelf = Shelf()
    made = xarray.Dataset({"x": 1.0})
    assert Progress(Silent(), shelf).stage("a", lambda: made) is made
    assert Progress(Silent(), shelf).stage("a", lambda: pytest.fail("computed twice")) is made
    assert Progress().stage("a", lambda: made) is made
    assert Progress().folder("a") is None
