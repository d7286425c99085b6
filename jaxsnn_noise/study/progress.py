"""How a running study says where it is: a live bar on a terminal, plain lines with rates elsewhere."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from jaxsnn_noise.progress import Pace

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

T = TypeVar("T")
Update = Callable[[int, int | None], None]


@runtime_checkable
class Stream(Protocol):
    """A text file that one can write to, as far as a display needs it."""

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool: ...


class Display(ABC):
    """Where progress is shown."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Show one line."""

    @abstractmethod
    def begin(self, name: str, unit: str) -> Update:
        """Open a task; the returned function takes how many units are done, of how many (if known)."""

    @abstractmethod
    def end(self, finished: bool) -> None:
        """Close the task opened last; ``finished`` is false if an error or an interruption ended it."""


class Silent(Display):
    """Shows nothing."""

    def say(self, text: str) -> None:
        del text

    def begin(self, name: str, unit: str) -> Update:
        del name, unit
        return lambda done, total: None

    def end(self, finished: bool) -> None:
        del finished


class Lines(Display):
    """Plain lines, for log files and batch jobs: soon after the start, then at intervals up to half a minute.

    Args:
        stream: Where the lines go.
        clock: A monotonic clock [s].
    """

    def __init__(self, stream: Stream | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._open: list[tuple[str, float]] = []

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def begin(self, name: str, unit: str) -> Update:
        start = last = self._clock()
        self._open.append((name, start))
        pause, pace = 2.0, Pace()

        def update(done: int, total: int | None) -> None:
            nonlocal last, pause
            now = self._clock()
            rate = pace(done, now)
            finished = total is not None and done >= total
            if now - last >= pause and not finished:  # the end has its own line
                self.say(f"{name}: {progress_text(done, total, unit, rate)}")
                last, pause = now, min(30.0, 1.5 * pause)

        return update

    def end(self, finished: bool) -> None:
        name, start = self._open.pop()
        self.say(_end_text(name, finished, self._clock() - start))


class Live(Display):
    """A rich progress bar on a terminal, gone when the task is done.

    Args:
        stream: The terminal.
    """

    def __init__(self, stream: Stream | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        file: Any = stream or sys.stderr
        self._console = Console(file=file)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._open: list[tuple[str, float, Any]] = []

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    def begin(self, name: str, unit: str) -> Update:
        if not self._open:
            self._bars.start()
        start = time.monotonic()
        task = self._bars.add_task(name, total=None, state="")
        self._open.append((name, start, task))
        pace = Pace()

        def update(done: int, total: int | None) -> None:
            state = progress_text(done, total, unit, pace(done, time.monotonic()))
            self._bars.update(task, completed=done, total=total, state=state)

        return update

    def end(self, finished: bool) -> None:
        name, start, task = self._open.pop()
        self._bars.remove_task(task)
        if not self._open:
            self._bars.stop()
        self.say(_end_text(name, finished, time.monotonic() - start))


def display_for(stream: Stream) -> Display:
    """``Live`` on a terminal, ``Lines`` otherwise."""
    return Live(stream) if stream.isatty() else Lines(stream)


class Task:
    """One counted piece of work; made by ``Progress.task``."""

    def __init__(self, show: Update, total: int | None = None) -> None:
        self._show = show
        self.done = 0
        self.total = total

    def advance(self, count: int = 1) -> None:
        """``count`` more units are done."""
        self.update(self.done + count)

    def update(self, done: int, total: int | None = None) -> None:
        """``done`` units are done, of ``total``; what ``monte_carlo`` takes as its ``progress``."""
        self.done = done
        self.total = self.total if total is None else total
        self._show(self.done, self.total)


class Progress:
    """What ``measure(config, progress)`` gets: a voice, and a shelf for what is finished.

    Args:
        display: Where to show it.
        shelf: Where ``stage`` keeps datasets (``get(name)``, ``put(name, dataset)``) and ``folder`` finds room
            (``folder_of(name)``); none keeps nothing.
    """

    def __init__(self, display: Display | None = None, shelf: Any = None) -> None:
        self._display = display or Silent()
        self._shelf = shelf

    def say(self, text: str) -> None:
        """Show one line of text."""
        self._display.say(text)

    @contextmanager
    def task(self, name: str, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """A named piece of work with ``total`` units, shown with its rate and the time left.

        Args:
            name: What is being done.
            total: How many units there are; unknown if not given.
            unit: What is counted ("trials").
        """
        task = Task(self._display.begin(name, unit), total)
        finished = False
        try:
            yield task
            finished = True
        finally:
            self._display.end(finished)

    def track(self, items: Iterable[T], name: str, unit: str = "") -> Iterator[T]:
        """The items, counted as they are taken."""
        total = len(items) if isinstance(items, Sized) else None
        with self.task(name, total, unit) as task:
            for item in items:
                yield item
                task.advance()

    def stage(self, name: str, compute: Callable[[], Dataset]) -> Dataset:
        """The dataset of a part of the measurement: computed and saved, or, on ``--resume``, read back.

        So what was finished survives an interruption. The result has to be a pure function of the configuration.

        Args:
            name: Name of the part; a key of the dict that ``measure`` returns, if it is to be in the results.
            compute: Function without arguments that returns the dataset.
        """
        kept = self._shelf.get(name) if self._shelf else None
        if kept is not None:
            self.say(f"{name}: kept from the run that is resumed")
            return kept
        with self.task(name):
            made = compute()
        if self._shelf:
            self._shelf.put(name, made)
        return made

    def folder(self, name: str) -> Path | None:
        """A folder that ``--resume`` finds again, as the ``store`` of a ``monte_carlo``; none where none is kept."""
        return self._shelf.folder_of(name) if self._shelf else None


def _end_text(name: str, finished: bool, seconds: float) -> str:
    return f"{name}: {'done in' if finished else 'stopped after'} {duration_text(seconds)}"


def progress_text(done: int, total: int | None, unit: str, rate: float | None) -> str:
    """Count, rate [1/s] and time left, as far as they are known: ``120 of 1,000 trials, 35/s, 25 s left``."""
    count = f"{done:,}" if total is None else f"{done:,} of {total:,}"
    text = f"{count} {unit}".strip()
    if not rate:
        return text
    text += f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.2g}/s" if rate >= 0.1 else f", {60 * rate:.2g}/min"
    return text if total is None else f"{text}, {duration_text((total - done) / rate)} left"


def duration_text(seconds: float | int) -> str:
    """A duration in the units that one would say: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
