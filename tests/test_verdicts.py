"""The one rule that compares an interval with a claim, for numbers and for arrays."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from jaxsnn_noise.reduce import AtLeast, AtMost, Within, decide
from jaxsnn_noise.verdicts import Judgement, Verdict, compare, together, verdict

R, N, U = Verdict.REPRODUCED, Verdict.NOT_REPRODUCED, Verdict.UNDECIDED
ENDS = (-math.inf, 0.0, 0.5, 1.0, 1.5, math.inf)
INTERVALS = [(low, high) for low, high in itertools.product(ENDS, ENDS) if low <= high]
GRID = np.linspace(-1.0, 2.5, 3501)
"""What stands for all values; it holds every finite end exactly enough to be told from its neighbours."""

CLAIMS: list[tuple[dict[str, Any], Any]] = [
    ({"most": 1.0}, lambda x: x <= 1.0),
    ({"least": 1.0}, lambda x: x >= 1.0),
    ({"least": 1.0, "beyond": True}, lambda x: x > 1.0),
    ({"least": 0.5, "most": 1.0}, lambda x: (x >= 0.5) & (x <= 1.0)),
    ({"least": 0.5, "most": 1.0, "beyond": True}, lambda x: (x > 0.5) & (x <= 1.0)),
]


@pytest.mark.parametrize(("claim", "allows"), CLAIMS, ids=[str(claim) for claim, _ in CLAIMS])
def test_a_claim_holds_where_it_holds_for_every_value_of_the_interval(claim: dict[str, Any], allows: Any) -> None:
    values = np.union1d(GRID, [e for e in ENDS if math.isfinite(e)])
    for low, high in INTERVALS:
        inside = values[(values >= low) & (values <= high)]
        if not inside.size:  # (inf, inf) and (-inf, -inf)
            continue
        true = allows(inside)
        assert compare(low, high, **claim) == (bool(true.all()), not true.any()), (low, high)


def test_numbers_and_arrays_are_judged_alike() -> None:
    low, high = np.array(INTERVALS).T
    for claim, _ in CLAIMS:
        arrays = compare(low, high, **claim)
        numbers = [compare(*pair, **claim) for pair in INTERVALS]
        assert list(zip(*(a.tolist() for a in arrays), strict=True)) == numbers


def test_the_names_of_the_rule_say_the_same() -> None:
    for low, high in INTERVALS:
        middle = min(max(low, 1.0), high)
        assert Judgement.at_most(1.0, middle, low, high).verdict is decide(low, high, AtMost(1.0))
        assert Judgement.at_least(1.0, middle, low, high).verdict is decide(low, high, AtLeast(1.0))
        both = together([decide(low, high, AtLeast(0.5)), decide(low, high, AtMost(1.0))])
        assert both is decide(low, high, Within(0.5, 1.0))
    assert Judgement.above(1.0, 1.0, 1.0, 2.0).verdict is U
    assert Judgement.above(1.0, 1.0, 0.0, 1.0).verdict is N


def test_what_is_not_a_number_shows_nothing() -> None:
    for claim, _ in CLAIMS:
        for pair in ((math.nan, 0.6), (0.6, math.nan), (math.nan, math.nan), (9.0, math.nan), (math.nan, -9.0)):
            assert compare(*pair, **claim) == (False, False)


def test_all_of_it_holds_where_every_part_does() -> None:
    for parts in itertools.product((R, N, U), repeat=3):
        expected = N if N in parts else U if U in parts else R
        assert together(parts) is expected
    assert [verdict(True, False), verdict(False, True), verdict(False, False)] == [R, N, U]
