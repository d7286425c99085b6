"""The three answers that data give to a claim, with their number.

Listings of studies need them without any array library.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import SupportsFloat


class Verdict(enum.StrEnum):
    """What the data say of a claim, for the networks and settings simulated and no others.

    ``UNDECIDED`` is an answer: the interval is too wide to tell.
    """

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    UNDECIDED = "undecided"


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
        return cls(_compare(high <= bound, low > bound), estimate, low, high, rule, units, detail)

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
        return cls(_compare(low >= bound, high < bound), estimate, low, high, rule, units, detail)

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
        return cls(_compare(low > bound, high <= bound), estimate, low, high, rule, units, detail)


def _compare(holds: bool, fails: bool) -> Verdict:
    if bool(holds):
        return Verdict.REPRODUCED
    return Verdict.NOT_REPRODUCED if bool(fails) else Verdict.UNDECIDED


def _number(value: SupportsFloat, units: str) -> str:
    return f"{float(value):g} {units}".strip()
