"""How a running study says where it is: a live bar on a terminal, plain lines with rates elsewhere."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jaxsnn_noise.progress import Meter, Stream

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

T = TypeVar("T")
Show = Callable[[int, int | None], None]
"""Takes how many units are done, of how many (if that is known)."""


class Display(ABC):
    """Where progress is shown."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Show one line."""

    @abstractmethod
    def begin(self, name: str, unit: str) -> Show:
        """Open a task; the returned function is told how far it is."""

    @abstractmethod
    def end(self, finished: bool) -> None:
        """Close the task opened last; ``finished`` is false if an error or an interruption ended it."""


class Silent(Display):
    """Shows nothing."""

    def say(self, text: str) -> None:
        del text

    def begin(self, name: str, unit: str) -> Show:
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
        self._open: list[Meter] = []

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def begin(self, name: str, unit: str) -> Show:
        meter = Meter(name, unit, clock=self._clock)
        self._open.append(meter)

        def update(done: int, total: int | None) -> None:
            line = meter.line(done, total)
            if line is not None and done != total:  # the end has its own line
                self.say(line)

        return update

    def end(self, finished: bool) -> None:
        self.say(self._open.pop().end(finished=finished))


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
        self._open: list[tuple[Meter, Any]] = []

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    def begin(self, name: str, unit: str) -> Show:
        if not self._open:
            self._bars.start()
        meter, task = Meter(name, unit), self._bars.add_task(name, total=None, state="")
        self._open.append((meter, task))
        return lambda done, total: self._bars.update(task, completed=done, total=total, state=meter.state(done, total))

    def end(self, finished: bool) -> None:
        meter, task = self._open.pop()
        self._bars.remove_task(task)
        if not self._open:
            self._bars.stop()
        self.say(meter.end(finished=finished))


def display_for(stream: Stream) -> Display:
    """``Live`` on a terminal, ``Lines`` otherwise."""
    return Live(stream) if stream.isatty() else Lines(stream)


class Task:
    """One counted piece of work; made by ``Progress.task``."""

    def __init__(self, show: Show, total: int | None = None) -> None:
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
