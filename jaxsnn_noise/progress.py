"""Long computations: how much is done, how fast, how long it will take, and Ctrl-C."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

Update = Callable[[int, int], object]
"""Called with (done, total) after every piece of work."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a long computation, which is still Ctrl-C for whoever does not catch it.

    Args:
        partial: What was finished: of ``monte_carlo`` the dataset, with NaN for what was not computed; of
            ``training.fit`` the :class:`jaxsnn_noise.training.Fitted` of the epochs that are done.
    """

    def __init__(self, partial: Any):
        super().__init__("interrupted; what was finished is in .partial")
        self.partial = partial


@runtime_checkable
class Stream(Protocol):
    """A text file that one can write to, as far as progress needs it."""

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool: ...


class Pace:
    """Units of work per second, from the first finished piece on: what comes before it is mostly compilation."""

    def __init__(self) -> None:
        self.first: tuple[int, float] | None = None

    def __call__(self, done: int, now: float) -> float | None:
        """The rate [1/s]; ``None`` until a second has passed since the first piece was finished."""
        if done <= 0:
            return None
        if self.first is None:
            self.first = done, now
        work, seconds = done - self.first[0], now - self.first[1]
        return work / seconds if seconds >= 1.0 and work > 0 else None


class Meter:
    """How far one piece of work is, in words, and when it is time to say so.

    Called with (done, total), it writes lines: none in the first two seconds. In a log they come at intervals that grow
    to half a minute; on a terminal and in a notebook one line with a bar is rewritten every second.

    Args:
        what: What is being done; may change on the way.
        unit: What is counted ("members").
        to: Where the lines go; standard error unless given.
        clock: A monotonic clock [s].
    """

    def __init__(
        self, what: str, unit: str = "", *, to: Stream | None = None, clock: Callable[[], float] = time.monotonic
    ):
        self.what, self.unit, self.clock = what, unit, clock
        self.to: Stream = sys.stderr if to is None else to
        self.start = self.last = clock()
        self.pace, self.pause, self.shown = Pace(), 2.0, False

    def state(self, done: int, total: int | None) -> str:
        """Count, rate and time left."""
        return progress_text(done, total, self.unit, self.pace(done, self.clock()))

    def line(self, done: int, total: int | None, *, longest: float = 30.0) -> str | None:
        """A line, if it is time for one; after each the pause is half as long again, at most ``longest`` [s]."""
        state, now = self.state(done, total), self.clock()
        if now - self.last < self.pause:
            return None
        self.last, self.pause, self.shown = now, min(longest, 1.5 * self.pause), True
        return f"{self.what}: {state}"

    def end(self, *, finished: bool) -> str:
        """The last line."""
        return f"{self.what}: {'done in' if finished else 'stopped after'} {duration_text(self.clock() - self.start)}"

    def __call__(self, done: int, total: int) -> None:
        """Write a line, if it is time for one, or the last one, if there were others."""
        terminal, finished = rewritable(self.to), done >= total
        line = self.line(done, total, longest=1.0 if terminal else 30.0) if not finished else None
        if finished and self.shown:
            line = self.end(finished=True)
        if line is not None and terminal and not finished:
            line = f"{line}  {bar(done, total)}"
        if line is not None:
            self.to.write(("\r\033[K" + line + ("\n" if finished else "")) if terminal else line + "\n")
            self.to.flush()


def rewritable(to: Stream) -> bool:
    """Whether a line can be written again: on a terminal, and in a notebook, whose streams are none."""
    return to.isatty() or type(to).__module__.startswith("ipykernel.")


def bar(done: int, total: int, width: int = 24) -> str:
    """A bar as long as the work, filled as far as it is done."""
    filled = min(width, width * done // max(total, 1))
    return f"[{'#' * filled}{'.' * (width - filled)}]"


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
