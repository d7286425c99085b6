"""The three answers that data give to a claim, the one rule that gives them, and an answer with its number.

Listings of studies need them without any array library, so the rule is written in operators that numbers and arrays
share; :mod:`jaxsnn_noise.reduce.verdicts` is its form for arrays.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, SupportsFloat

TOO_WIDE = "too wide to decide"
"""Why a claim is undecided: its interval holds the bound."""
NOT_MEASURED = "not measured in this preset"
"""Why a claim is undecided: nothing was measured."""
DEPENDS = "depends on the network"
"""Why a claim is undecided: networks made in another way do not show the same."""
NOT_TOGETHER = "decided alone, not among all claims"
"""Why a claim is undecided: its p-value does not stand Holm's correction."""


class Verdict(enum.StrEnum):
    """What the data say of a claim, for the networks and settings simulated and no others.

    ``UNDECIDED`` is an answer; :attr:`Judgement.why` says which.
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


NUMBERS = ("estimate", "low", "high", "spread", "detectable", "p_reproduced", "p_refuted")
"""The fields of a judgement that are numbers."""


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
        why: Why it is undecided; :data:`TOO_WIDE` unless said otherwise, empty for a decision.
        spread: Standard deviation over the networks (chips, ...) that it speaks of [unit]; NaN where there are none.
        detectable: The smallest difference from the bound that it would have seen with a probability of 80 % [unit].
        speaks_for: Whom it speaks of ("networks trained like these 8, on images like these 300").
        p_reproduced: One-sided p-value against the claim's contrary (small: shown to hold) [1]; NaN if there is none.
        p_refuted: One-sided p-value against the claim (small: shown to fail) [1].

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
    why: str = ""
    spread: SupportsFloat = math.nan
    detectable: SupportsFloat = math.nan
    speaks_for: str = ""
    p_reproduced: SupportsFloat = math.nan
    p_refuted: SupportsFloat = math.nan

    def __post_init__(self) -> None:
        from jaxsnn_noise._checks import fail  # brings JAX, for which listings must not wait

        if not isinstance(self.verdict, Verdict):
            fail("Judgement.verdict", "must be a member of Verdict", self.verdict)
        for name in NUMBERS:  # scalars of NumPy and JAX come in too
            object.__setattr__(self, name, float(getattr(self, name)))
        open_ = self.verdict is Verdict.UNDECIDED
        object.__setattr__(self, "why", (self.why or TOO_WIDE) if open_ else "")
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


def holm(judgements: Mapping[str, Judgement], alpha: float = 0.05) -> dict[str, Judgement]:
    """The judgements of a family of claims, of which *any* wrong decision has at most the probability ``alpha``.

    A claim counts with its two-sided p-value ``2 min(p_reproduced, p_refuted)``; sorted, the smallest of m is compared
    with ``alpha / m``, the next with ``alpha / (m - 1)``, and so on to the first that fails (Holm 1979; with two-sided
    p-values the direction that is told counts as well, Shaffer 1980). What does not pass is undecided. A claim without
    p-values counts in m and is left as it is.

    Args:
        judgements: By the name of the claim.
        alpha: Probability of a wrong decision anywhere.

    References:
        Holm (1979), Scandinavian J. Statistics 6(2), https://www.jstor.org/stable/4615733. Shaffer (1980), Control of
        directional errors with stagewise multiple test procedures, Annals of Statistics 8(6),
        doi:10.1214/aos/1176345205.

    Example:
        >>> yes = Judgement(Verdict.REPRODUCED, 1.0, 0.1, 1.9, "above 0", p_reproduced=0.02, p_refuted=0.98)
        >>> holm({"one": yes})["one"].verdict.value, holm({"one": yes, "two": yes})["one"].verdict.value
        ('reproduced', 'undecided')
    """
    p = {name: min(1.0, 2.0 * min(float(j.p_reproduced), float(j.p_refuted))) for name, j in judgements.items()}
    known = sorted((name for name in p if not math.isnan(p[name])), key=lambda name: p[name])
    adjusted, found = 0.0, dict(judgements)
    for rank, name in enumerate(known):
        adjusted = max(adjusted, min(1.0, p[name] * (len(p) - rank)))
        judged = judgements[name]
        rule = f"{judged.rule}; Holm over {len(p)} claims"
        if judged.verdict is not Verdict.UNDECIDED and adjusted > alpha:
            found[name] = replace(judged, verdict=Verdict.UNDECIDED, why=NOT_TOGETHER, rule=rule)
        else:
            found[name] = replace(judged, rule=rule)
    return found


def _number(value: SupportsFloat, units: str) -> str:
    return f"{float(value):g} {units}".strip()
