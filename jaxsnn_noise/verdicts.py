"""The three answers that data give to a claim, the one rule that gives them, and an answer with its number.

Listings of studies need them without any array library, so the rule is written in operators that numbers and arrays
share; :mod:`jaxsnn_noise.reduce.verdicts` is its form for arrays.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, SupportsFloat


class Verdict(enum.StrEnum):
    """What the data say of a claim, for the networks and settings simulated and no others.

    ``UNDECIDED`` is an answer: the interval is too wide to tell.
    """

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    UNDECIDED = "undecided"


def compare(
    low: Any, high: Any, *, least: float = -math.inf, most: float = math.inf, beyond: bool = False
) -> tuple[Any, Any]:
    """Whether a claim holds all over the interval ``[low, high]``, and whether it holds nowhere in it.

    The claim is that a value lies in ``[least, most]``, or, ``beyond`` its lower end, in ``(least, most]``. An
    interval with an end that is NaN shows nothing.

    Args:
        low: Lower end, a number or an array [unit].
        high: Upper end, of the same shape [unit].
        least: Least value that the claim allows [unit].
        most: Greatest value that it allows [unit].
        beyond: Whether ``least`` itself is not allowed ("above" in place of "at least").

    Example:
        >>> compare(0.2, 1.0, most=1.0), compare(1.0, 1.8, least=1.0, beyond=True), compare(0.5, 1.5, most=1.0)
        ((True, False), (False, False), (False, False))
    """
    known = low <= high
    inside, outside = (low > least, high <= least) if beyond else (low >= least, high < least)
    return known & inside & (high <= most), known & (outside | (low > most))


def verdict(holds: bool, fails: bool) -> Verdict:
    """The answer to a claim that was shown to hold, shown to fail, or neither."""
    if holds:
        return Verdict.REPRODUCED
    return Verdict.NOT_REPRODUCED if fails else Verdict.UNDECIDED


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """The answer to "all of it holds": not reproduced if one part is not, reproduced if all are.

    Example:
        >>> together([Verdict.REPRODUCED, Verdict.UNDECIDED]).value
        'undecided'
    """
    found = set(verdicts)
    return verdict(found <= {Verdict.REPRODUCED}, Verdict.NOT_REPRODUCED in found)


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, with the number that it rests on.

    Args:
        verdict: The outcome.
        estimate: The point estimate that was compared [unit].
        low: Lower end of its interval [unit]; ``-inf`` for a one-sided interval.
        high: Upper end of its interval [unit]; ``inf`` for a one-sided interval.
        rule: How the verdict follows from the interval, in words ("upper 95 % bound at most 1 point").
        units: Unit of the three numbers; empty for a pure number.
        detail: Anything a reader should know (sample sizes, which configuration was the worst, ...).

    Raises:
        InputError: If the verdict is no ``Verdict`` or the interval does not hold the estimate.
    """

    verdict: Verdict
    estimate: SupportsFloat
    low: SupportsFloat
    high: SupportsFloat
    rule: str
    units: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        from jaxsnn_noise._checks import fail  # brings JAX, for which listings must not wait

        if not isinstance(self.verdict, Verdict):
            fail("Judgement.verdict", "must be a member of Verdict", self.verdict)
        for name in ("estimate", "low", "high"):  # scalars of NumPy and JAX come in too
            object.__setattr__(self, name, float(getattr(self, name)))
        low, estimate, high = float(self.low), float(self.estimate), float(self.high)
        if low > estimate or estimate > high:
            fail("Judgement", "needs low <= estimate <= high", (low, estimate, high))

    @classmethod
    def at_most(
        cls,
        bound: SupportsFloat,
        estimate: SupportsFloat,
        low: SupportsFloat,
        high: SupportsFloat,
        *,
        units: str = "",
        detail: str = "",
    ) -> Judgement:
        """The claim "the quantity is at most ``bound``", from an interval of the quantity.

        Reproduced if the whole interval is at or below the bound, not reproduced if it is wholly above, undecided if
        the bound lies inside (or if the interval is not a number: nothing was measured).
        """
        rule = f"interval wholly at or below {_number(bound, units)}; not reproduced if wholly above"
        bound, estimate, low, high = map(float, (bound, estimate, low, high))
        found = verdict(*compare(low, high, most=bound))
        return cls(found, estimate, low, high, rule, units, detail)

    @classmethod
    def at_least(
        cls,
        bound: SupportsFloat,
        estimate: SupportsFloat,
        low: SupportsFloat,
        high: SupportsFloat,
        *,
        units: str = "",
        detail: str = "",
    ) -> Judgement:
        """The claim "the quantity is at least ``bound``"; the mirror image of ``at_most``."""
        rule = f"interval wholly at or above {_number(bound, units)}; not reproduced if wholly below"
        bound, estimate, low, high = map(float, (bound, estimate, low, high))
        found = verdict(*compare(low, high, least=bound))
        return cls(found, estimate, low, high, rule, units, detail)

    @classmethod
    def above(
        cls,
        bound: SupportsFloat,
        estimate: SupportsFloat,
        low: SupportsFloat,
        high: SupportsFloat,
        *,
        units: str = "",
        detail: str = "",
    ) -> Judgement:
        """The claim "the quantity is above ``bound``": with bound 0, "this paired contrast is positive".

        Reproduced if the whole interval is above the bound, not reproduced if it is wholly at or below.
        """
        rule = f"interval wholly above {_number(bound, units)}; not reproduced if wholly at or below"
        bound, estimate, low, high = map(float, (bound, estimate, low, high))
        found = verdict(*compare(low, high, least=bound, beyond=True))
        return cls(found, estimate, low, high, rule, units, detail)


def _number(value: SupportsFloat, units: str) -> str:
    return f"{float(value):g} {units}".strip()
