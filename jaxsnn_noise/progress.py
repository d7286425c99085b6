"""Progress of long computations, on standard error: how much is done, how fast, how long it will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

Progress = Callable[[int, int], None]
"""Called with (done, total) after every piece of work."""


class Meter:
    """Prints a line per update, at most one in ``every`` seconds, and none before ``after`` seconds have passed.

    On a terminal the line is rewritten; elsewhere (a log) each is a line of its own.
    """

    def __init__(self, what: str, unit: str, *, after: float = 2.0, every: float = 1.0, to: TextIO | None = None):
        self.what, self.unit, self.after, self.every = what, unit, after, every
        self.to = sys.stderr if to is None else to
        self.start = self.last = time.monotonic()
        self.shown = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        terminal = self.to.isatty()
        wait = self.every if terminal else 5 * self.every
        finished = done >= total
        if now - self.start < self.after or (now - self.last < wait and not finished) or (finished and not self.shown):
            return
        self.last, self.shown = now, True
        rate = done / (now - self.start)
        left = (total - done) / rate if rate else float("inf")
        line = f"{self.what}: {done}/{total} {self.unit}, {rate:.3g} {self.unit}/s, {left:.0f} s left"
        self.to.write(("\r\033[K" + line + ("\n" if finished else "")) if terminal else line + "\n")
        self.to.flush()
