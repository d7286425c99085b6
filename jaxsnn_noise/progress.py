"""Long computations: how much is done, how fast, how long it will take (on standard error), and Ctrl-C."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

Progress = Callable[[int, int], None]
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
    """Prints a line per update, at most one in ``every`` seconds, and none before ``after`` seconds have passed.

    On a terminal the line is rewritten; elsewhere (a log) each is a line of its own.
    """

    def __init__(self, what: str, unit: str, *, after: float = 2.0, every: float = 1.0, to: TextIO | None = None):
        self.what, self.unit, self.after, self.every = what, unit, after, every
        self.to = sys.stderr if to is None else to
        self.start = self.last = time.monotonic()
        self.pace = Pace()
        self.shown = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        rate = self.pace(done, now)
        terminal = self.to.isatty()
        wait = self.every if terminal else 5 * self.every
        finished = done >= total
        if now - self.start < self.after or (now - self.last < wait and not finished) or (finished and not self.shown):
            return
        self.last, self.shown = now, True
        line = f"{self.what}: {done}/{total} {self.unit}"
        if rate is not None:
            line += f", {rate:.3g} {self.unit}/s, {(total - done) / rate:.0f} s left"
        self.to.write(("\r\033[K" + line + ("\n" if finished else "")) if terminal else line + "\n")
        self.to.flush()
