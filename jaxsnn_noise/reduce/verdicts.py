"""Three-way decisions on arrays: what intervals say about a claim, by the rule of :mod:`jaxsnn_noise.verdicts`."""

from __future__ import annotations

import abc
import functools
from typing import Any

import equinox as eqx
import numpy as np

from jaxsnn_noise._checks import fail, is_a, number, real_numbers
from jaxsnn_noise.verdicts import Verdict, compare


class Rule(eqx.Module):
    """A claim about one number (abstract): the closed interval in which it lies."""

    @abc.abstractmethod
    def interval(self) -> tuple[float, float]:
        """Lower and upper end; infinite where the claim is one-sided."""


class AtMost(Rule):
    """``value <= bound``, the bound in the unit of the value."""

    bound: float = eqx.field(converter=functools.partial(number, "reduce bound"))

    def interval(self) -> tuple[float, float]:
        return -np.inf, self.bound


class AtLeast(Rule):
    """``value >= bound``, the bound in the unit of the value."""

    bound: float = eqx.field(converter=functools.partial(number, "reduce bound"))

    def interval(self) -> tuple[float, float]:
        return self.bound, np.inf


class Within(Rule):
    """``least <= value <= most``, both in the unit of the value: a claim of (practical) equality."""

    least: float = eqx.field(converter=functools.partial(number, "Within.least"))
    most: float = eqx.field(converter=functools.partial(number, "Within.most"))

    def __check_init__(self) -> None:
        if not self.least <= self.most:
            fail("reduce.Within", "needs least <= most", (self.least, self.most))

    def interval(self) -> tuple[float, float]:
        return self.least, self.most


def decide(low: Any, high: Any, rule: Rule) -> Any:
    """What the interval ``[low, high]`` of a quantity says about a claim.

    Reproduced if the claim holds all over the interval, not reproduced if it holds nowhere in it, undecided otherwise
    or where an end is NaN. With the ends at one-sided level ``1 - alpha`` each, a wrong "reproduced" and a wrong "not
    reproduced" of :class:`AtMost` or :class:`AtLeast` come with probability at most ``alpha`` each, and so does a wrong
    "reproduced" of :class:`Within` (two one-sided tests, Schuirmann 1987, doi:10.1007/BF01068419).

    Args:
        low: Lower end, a number or an array.
        high: Upper end, of the same shape.
        rule: The claim.

    Returns:
        A :class:`Verdict` for two numbers, else an array of its values as strings.

    Raises:
        InputError: an interval with ``low > high``.

    Example:
        >>> decide(0.2, 0.8, AtMost(1.0)).value, decide(0.2, 1.8, AtMost(1.0)).value
        ('reproduced', 'undecided')
    """
    is_a("reduce.decide: rule", rule, Rule, "AtMost(1.0)")
    real_numbers("reduce.decide: low", low)
    real_numbers("reduce.decide: high", high)
    first, last = np.asarray(low, np.float64), np.asarray(high, np.float64)
    if np.any(first > last):
        fail("reduce.decide", "needs low <= high", (low, high))
    least, most = rule.interval()
    found = choose(*compare(first, last, least=least, most=most))
    return Verdict(str(found)) if found.ndim == 0 else found


def choose(holds: np.ndarray | np.generic, fails: np.ndarray | np.generic) -> np.ndarray:
    """``verdict`` of each cell, as strings: where a claim was shown to hold, shown to fail, or neither."""
    return np.where(
        holds,
        Verdict.REPRODUCED.value,
        np.where(fails, Verdict.NOT_REPRODUCED.value, Verdict.UNDECIDED.value),
    )
