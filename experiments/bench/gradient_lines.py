"""A line of the table of gradients, and how much is run for it."""

from __future__ import annotations

import dataclasses

MOST = 4.0
"""Standard errors that an unbiased estimate may be off; with some 75 comparisons a false alarm has a probability of 0.5 %."""


@dataclasses.dataclass(frozen=True)
class Size:
    """Trials of each measurement, and lengths."""

    exact: int = 10_000
    network: int = 10_000
    classifier: int = 4000
    enumerated: int = 160_000
    lengths: tuple[int, ...] = (50, 200, 800)
    long: int = 10_000
    quick: bool = False


FULL = Size()
TINY = Size(exact=200, quick=True)


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the table: a bar, what was looked at, what is demanded, what was measured, and whether it holds."""

    bar: int
    what: str
    demanded: str
    measured: str
    holds: bool | None = None
