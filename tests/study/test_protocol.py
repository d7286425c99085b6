from __future__ import annotations

import math

import numpy as np
import pytest

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.study import Claim, ClaimResult, Judgement, Verdict
from jaxsnn_noise.study.protocol import interval_text, outcome_sentence
from jaxsnn_noise.verdicts import DEPENDS, NOT_MEASURED, TOO_WIDE

YES, NO, OPEN = Verdict.REPRODUCED, Verdict.NOT_REPRODUCED, Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("low", "high", "at_most", "at_least", "above"),
    [
        (0.1, 0.9, YES, NO, NO),
        (0.1, 1.0, YES, OPEN, NO),
        (0.5, 1.5, OPEN, OPEN, OPEN),
        (1.0, 1.5, OPEN, YES, OPEN),
        (1.1, 1.5, NO, YES, YES),
        (-math.inf, 0.9, YES, NO, NO),
        (1.1, math.inf, NO, YES, YES),
        (math.nan, math.nan, OPEN, OPEN, OPEN),
    ],
)
def test_verdicts_follow_from_the_interval(low, high, at_most, at_least, above):
    middle = math.nan if math.isnan(low) else max(min(1.0, high), low)
    for rule, verdict in ((Judgement.at_most, at_most), (Judgement.at_least, at_least), (Judgement.above, above)):
        assert rule(1.0, middle, low, high).verdict is verdict


def test_a_judgement_is_checked():
    with pytest.raises(InputError, match="low <= estimate <= high"):
        Judgement(YES, 1.0, 2.0, 3.0, "rule")
    judgement = Judgement(YES, np.float32(1.0), 0, 3, "rule")
    assert isinstance(judgement.estimate, float)
    assert isinstance(judgement.high, float)
    object.__setattr__(judgement, "verdict", "reproduced")
    with pytest.raises(InputError, match="member of Verdict"):
        judgement.__post_init__()


def test_the_only_verdicts():
    assert [v.value for v in Verdict] == ["reproduced", "not reproduced", "undecided"]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.8312, 0.712, 0.951), "0.83 [0.71, 0.95] points"),
        ((1234.5, 1200.0, 1300.0), "1234 [1200, 1300] points"),
        ((0.5, -math.inf, 0.7), "0.50 [at most 0.70] points"),
        ((0.5, 0.4, None), "0.50 [at least 0.40] points"),
        ((0.5, math.nan, math.nan), "0.50 points"),
        ((0.0, 0.0, 0.0), "0.00 [0.00, 0.00] points"),
        ((1e-9, 0.5e-9, 2e-9), "1e-09 [5e-10, 2e-09] points"),
        ((None, None, None), "no number"),
    ],
)
def test_intervals_are_rounded_to_what_they_know(numbers, text):
    assert interval_text(*numbers, "points") == text


def test_the_outcome_is_one_sentence():
    claim = Claim("a", "t", "s", lambda d, c: Judgement.above(0, 1, 0.5, 2))
    yes = ClaimResult("a", "t", "s", claim.judge(None, None))
    failed = ClaimResult("b", "t", "s", None, "KeyError")
    assert outcome_sentence([]) == "This study tests no claims."
    assert outcome_sentence([yes]).startswith("The claim is reproduced, for the networks")
    assert outcome_sentence([yes, yes, failed]).startswith("Of 3 claims, 2 are reproduced and 1 is undecided (the")
    assert failed.row()["verdict"] == "undecided"
    assert failed.row()["error"] == "KeyError"
    assert math.isnan(failed.row()["estimate"])


def test_the_outcome_says_why_and_counts_what_was_not_measured_apart():
    def told(*whys: str) -> str:
        found = [ClaimResult("a", "t", "s", Judgement(OPEN, 1, 0.5, 2, "rule", why=why)) for why in whys]
        return outcome_sentence([ClaimResult("y", "t", "s", Judgement(YES, 1, 0.5, 2, "rule")), *found])

    here = "for the networks and settings simulated here"
    assert told(TOO_WIDE) == f"Of 2 claims, 1 is reproduced and 1 is undecided (too wide to decide), {here}."
    assert told(TOO_WIDE, DEPENDS, TOO_WIDE) == (
        "Of 4 claims, 1 is reproduced and 3 are undecided (2 too wide to decide, 1 depends on the network), "
        + here
        + "."
    )
    assert told(NOT_MEASURED, NOT_MEASURED) == (
        f"Of 3 claims, 1 is reproduced, {here}; 2 are not measured in this preset."
    )
    nothing = ClaimResult("a", "t", "s", Judgement(OPEN, math.nan, math.nan, math.nan, "rule", why=NOT_MEASURED))
    assert outcome_sentence([nothing]) == "The claim is not measured in this preset."
    assert outcome_sentence([nothing] * 2) == "Of 2 claims, 2 are not measured in this preset."


def test_the_weight_of_a_claim_is_what_is_known():
    judged = Judgement(YES, 1, 0.5, 2, "rule", "points", spread=0.25)
    assert ClaimResult("a", "t", "s", judged).weight == (("SD over networks", "0.25 points"),)
    assert ClaimResult("a", "t", "s", Judgement(YES, 1, 0.5, 2, "rule")).weight == ()
    assert ClaimResult("a", "t", "s", None, "KeyError").weight == ()
    row = ClaimResult("a", "t", "s", Judgement(OPEN, 1, -1, 2, "r", spread=2.5, speaks_for="networks like these")).row()
    assert (row["why"], row["spread"], row["speaks_for"]) == ("too wide to decide", 2.5, "networks like these")
