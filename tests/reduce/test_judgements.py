"""From paired values to the judgement of a claim."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from helpers.statistical import assert_proportion
from jaxsnn_noise.reduce import Holm, Verdict, at_least, at_most, judge, judge_within, unmeasured
from jaxsnn_noise.verdicts import NOT_MEASURED, NOT_TOGETHER, TOO_WIDE, Judgement, holm

RNG = np.random.default_rng(5)
SCATTER = RNG.normal(size=(3, 400))


def values(*means: float, seeds: int = 3, spread: float = 1.0) -> xr.DataArray:
    """Per seed, sample and case, one case per mean."""
    shape = (seeds, 400, len(means))
    noise = spread * SCATTER[:seeds, :, None] + 0.1 * RNG.normal(size=shape)
    return xr.DataArray(
        noise - noise.mean() + means, dims=("seed", "sample", "case"), coords={"case": list("abc")[: len(means)]}
    )


@pytest.mark.parametrize(
    ("means", "verdict"),
    [((1.0, 2.0), Verdict.REPRODUCED), ((1.0, -1.0), Verdict.NOT_REPRODUCED), ((1.0, 0.01), Verdict.UNDECIDED)],
)
def test_every_cell_has_to_hold_and_one_refutes(means: tuple[float, ...], verdict: Verdict) -> None:
    found = judge(values(*means), 0.0, at_least, units="points", called="images", detail="gap")
    assert found.verdict is verdict
    assert found.units == "points"
    assert found.rule.startswith("95 % interval: at least 0 points in each of 2 comparisons")
    assert found.detail.startswith("gap; shown: ")
    assert "for these networks alone: " in found.detail
    assert found.speaks_for == "networks made like these 3, on images like these 400"
    assert found.low <= found.estimate <= found.high
    mirrored = judge(-values(*means), 0.0, at_most)
    assert mirrored.verdict is verdict
    assert mirrored.speaks_for.endswith("samples like these 400")


def test_the_verdict_speaks_of_networks_and_not_of_the_ones_at_hand() -> None:
    """Three networks that differ by more than their mean: decided for them, open for others."""
    apart = values(0.5, spread=0.2) + xr.DataArray([-2.0, 0.0, 2.0], dims="seed")
    found = judge(apart, 0.0, at_least)
    assert found.verdict is Verdict.UNDECIDED
    assert found.why == TOO_WIDE
    assert "for these networks alone: reproduced" in found.detail
    assert found.spread == pytest.approx(2.0, abs=0.05)
    assert math.isnan(float(judge(apart.isel(seed=[0]), 0.0, at_least).spread))


def test_the_difference_that_could_be_seen_is_seen_in_four_of_five_runs() -> None:
    rng = np.random.default_rng(3)
    runs, size = 2000, 30
    made = rng.normal(size=(runs, size))
    first = judge(xr.DataArray(made[0], dims="sample"), 0.0, at_least)
    error = made[0].std(ddof=1) / np.sqrt(size)
    power = stats.t.ppf(0.975, size - 1) + stats.t.ppf(0.8, size - 1)
    assert first.detectable == pytest.approx(power * error)
    shifted = made + power / np.sqrt(size)
    limits = shifted.mean(axis=1) - stats.t.ppf(0.975, size - 1) * shifted.std(axis=1, ddof=1) / np.sqrt(size)
    assert_proportion((limits > 0).sum(), runs, 0.8, false_alarm=1e-6)


def test_p_values_and_verdict_say_the_same_and_holm_takes_some_back() -> None:
    sure, unsure = (judge(values(mean, seeds=1).isel(seed=0), 0.0, at_least) for mean in (1.0, 0.13))
    assert float(sure.p_reproduced) < 1e-6 < 1e-3 < float(unsure.p_reproduced) < 0.025
    assert unsure.verdict is Verdict.REPRODUCED
    open_ = {f"open {i}": judge(values(0.0, seeds=1).isel(seed=0), 0.0, at_least) for i in range(9)}
    settled = holm({"sure": sure, "unsure": unsure, **open_})
    assert settled["sure"].verdict is Verdict.REPRODUCED
    assert settled["unsure"].verdict is Verdict.UNDECIDED
    assert settled["unsure"].why == NOT_TOGETHER
    assert settled["sure"].rule.endswith("Holm over 11 claims")
    assert holm({"sure": sure, "unsure": unsure})["unsure"].verdict is Verdict.REPRODUCED
    lost = {f"lost {i}": unmeasured("x") for i in range(9)}
    assert holm({"unsure": unsure, **lost})["unsure"].verdict is Verdict.UNDECIDED  # the family was fixed before
    assert holm(lost)["lost 0"].why == NOT_MEASURED


def test_holm_is_that_of_the_corrections_of_arrays() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(12) ** 4 / 2
    family = {
        str(i): Judgement(Verdict.NOT_REPRODUCED, 0.0, 0.0, 0.0, "", p_reproduced=1 - x, p_refuted=x)
        for i, x in enumerate(p)
    }
    stands = [j.verdict is Verdict.NOT_REPRODUCED for j in holm(family).values()]
    np.testing.assert_array_equal(stands, Holm().adjust(2 * p) <= 0.05)
    assert 0 < sum(stands) < 12
    # two-sided 0.016 * 3 stands, 0.03 * 2 does not, and so no later one does, though 0.04 * 1 would
    steps = {n: replace(family["0"], p_refuted=x / 2) for n, x in (("a", 0.016), ("b", 0.03), ("c", 0.04))}
    assert [j.verdict is Verdict.NOT_REPRODUCED for j in holm(steps).values()] == [True, False, False]


def test_the_cell_that_decides_is_shown() -> None:
    assert "shown: b" in judge(values(3.0, 1.0, 2.0), 0.0, at_least).detail  # the nearest to the bound
    assert "shown: c" in judge(values(3.0, -1.0, -2.0), 0.0, at_least).detail  # the farthest beyond it


def test_one_comparison_of_one_training_says_less() -> None:
    one = judge(values(1.0, seeds=1).isel(seed=0, case=0, drop=True), 0.0, at_least)
    assert one.detail == ""
    assert one.speaks_for == "samples like these 400"
    assert one.rule == "95 % interval: at least 0"
    assert judge(values(1.0, seeds=1), 0.0, at_least).speaks_for == "this network, on samples like these 400"


def test_what_lies_on_the_bound_without_scatter_shows_nothing() -> None:
    nothing = xr.DataArray(np.zeros(50), dims="trial")
    tied = judge(nothing, 0.0, at_most, random="trial")
    assert tied.verdict is Verdict.UNDECIDED
    assert tied.p_reproduced == 1.0  # and no claim that Holm's correction may rest on
    assert judge(nothing, 0.1, at_most, random="trial").verdict is Verdict.REPRODUCED


@pytest.mark.parametrize(
    ("means", "verdict"),
    [((1.0, 1.05), Verdict.REPRODUCED), ((1.0, 1.5), Verdict.NOT_REPRODUCED), ((1.0, 1.25), Verdict.UNDECIDED)],
)
def test_between_two_bounds(means: tuple[float, ...], verdict: Verdict) -> None:
    found = judge_within(values(*means, spread=0.3), 0.8, 1.25, called="images")
    assert found.verdict is verdict
    assert found.rule == "95 % interval: between 0.8 and 1.25 in every comparison"
    assert (float(found.p_reproduced) <= 0.025) == (verdict is Verdict.REPRODUCED)
    assert (float(found.p_refuted) < 0.025) == (verdict is Verdict.NOT_REPRODUCED)
    if verdict is not Verdict.REPRODUCED:
        assert "shown: b" in found.detail
    assert found.speaks_for.endswith("on images like these 400")


def test_what_was_not_measured_has_no_verdict() -> None:
    found = unmeasured("the other filter")
    assert found.verdict is Verdict.UNDECIDED
    assert np.isnan(float(found.estimate))
    assert found.detail == "not measured: the other filter"
    assert found.why == NOT_MEASURED


def test_a_claim_of_two_bounds_is_refuted_by_either_at_the_price_of_two() -> None:
    loss = xr.DataArray(np.random.default_rng(1).normal(1.3, 0.5, 30), dims="sample")
    found = judge_within(loss, 0.8, 1.25)
    t = (loss.values.mean() - 1.25) / (loss.values.std(ddof=1) / np.sqrt(30))
    assert float(found.p_refuted) == pytest.approx(min(1.0, 2 * stats.t.sf(t, 29)), rel=1e-9)
    assert float(found.p_reproduced) == pytest.approx(stats.t.cdf(t, 29), rel=1e-9)  # the bound that is nearer
