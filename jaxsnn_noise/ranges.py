"""Ranges of parameters: the interval in which values lie, and how that is said."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from jaxsnn_noise._errors import concrete as concrete
from jaxsnn_noise._errors import fail


@dataclasses.dataclass(frozen=True)
class Range:
    """The interval in which values lie.

    Args:
        low: Lower end.
        high: Upper end.
        low_open: Whether the lower end itself is outside.
        high_open: Whether the upper end itself is outside.
        finite: Whether infinite values are outside (NaN always is).
        whole: Whether values are whole numbers.
        why: What a user may want instead, told with the rule.
    """

    low: Any = -np.inf
    high: Any = np.inf
    low_open: bool = dataclasses.field(default=False, kw_only=True)
    high_open: bool = dataclasses.field(default=False, kw_only=True)
    finite: bool = dataclasses.field(default=True, kw_only=True)
    whole: bool = dataclasses.field(default=False, kw_only=True)
    why: str = dataclasses.field(default="", kw_only=True)

    def __post_init__(self) -> None:
        flags = (self.low_open, self.high_open, self.finite, self.whole)
        if not all(isinstance(flag, bool) for flag in flags) or not isinstance(self.why, str):
            fail("Range", "takes True or False for its ends and kinds, and a text for why", (*flags, self.why))
        for end in (self.low, self.high):
            try:
                array = concrete(end)
            except ValueError:
                fail("Range", "needs a number at each end", end)
            if array is not None and (array.ndim or array.dtype.kind not in "fiu" or np.isnan(array)):
                fail("Range", "needs a number at each end", end)

    def ends(self) -> tuple[float, float] | None:
        """Both ends as numbers, or ``None`` while one is traced."""
        ends = concrete(self.low), concrete(self.high)
        return None if ends[0] is None or ends[1] is None else (float(ends[0]), float(ends[1]))

    def closed_ends(self) -> tuple[float, ...]:
        """The finite ends that lie inside; none while one is traced."""
        ends, opened = self.ends() or (), (self.low_open, self.high_open)
        return tuple(end for end, out in zip(ends, opened, strict=False) if np.isfinite(end) and not out)

    def holds(self, array: np.ndarray) -> bool:
        """Whether all entries lie inside; ends that are traced let everything pass."""
        ends = self.ends()
        inside = np.isfinite(array) if self.finite else ~np.isnan(array)
        if ends is not None and np.isfinite(ends[0]):
            inside = inside & (array > ends[0] if self.low_open else array >= ends[0])
        if ends is not None and np.isfinite(ends[1]):
            inside = inside & (array < ends[1] if self.high_open else array <= ends[1])
        return bool(np.all(inside & (array == np.round(array)) if self.whole else inside))

    @property
    def rule(self) -> str:
        """What is asked of a value, in words."""
        return f"{self._words()}: {self.why}" if self.why else self._words()

    def asked(self, unit: str | None) -> str:
        """The rule with its unit, if there is one."""
        return f"{self.rule} [{unit}]" if unit else self.rule

    def _words(self) -> str:
        ends = self.ends()
        if ends is None:
            return "must lie in its range"
        low, high = ends
        kind = "must be whole numbers" if self.whole else "must be"
        if np.isfinite(low) and np.isfinite(high):
            inside = f"in {'(' if self.low_open else '['}{low:g}, {high:g}{')' if self.high_open else ']'}"
            return f"{kind} {inside}" if self.whole else f"must lie {inside}"
        finite = "finite" if self.finite and not self.whole else ""
        lower = f"{'>' if self.low_open else '>='} {low:g}" if np.isfinite(low) else ""
        upper = f"{'<' if self.high_open else '<='} {high:g}" if np.isfinite(high) else ""
        parts = [part for part in (finite, lower, upper) if part] or ([] if self.whole else ["a number"])
        return f"{kind} {' and '.join(parts)}".rstrip()


real = Range()
"""Any finite number."""
positive = Range(0.0, low_open=True)
"""Finite and > 0."""
nonnegative = Range(0.0)
"""Finite and >= 0."""
fraction = Range(0.0, 1.0)
"""From 0 to 1, both included."""
kelvin = Range(150.0, 600.0, why="absolute temperature, 300 K are 27 degrees Celsius")
"""Temperatures of circuits [K]; what looks like degrees Celsius lies outside."""


def between(low: Any, high: Any) -> Range:
    """From ``low`` to ``high``, both included."""
    return Range(low, high)


def above(low: Any) -> Range:
    """Finite and > ``low``."""
    return Range(low, low_open=True)


def below(high: Any) -> Range:
    """Finite and < ``high``."""
    return Range(high=high, high_open=True)
