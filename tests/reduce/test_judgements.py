"""From paired values to the judgement of a claim."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from jaxsnn_noise.reduce import Verdict, at_least, at_most, judge, judge_within, unmeasured

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
    assert found.rule.startswith("one-sided 95 % limits: at least 0 points in each of 2 comparisons")
    assert found.detail.startswith("gap; shown: ")
    assert "400 images; for networks trained anew (3 seeds): " in found.detail
    assert found.low <= found.estimate <= found.high
    mirrored = judge(-values(*means), 0.0, at_most)
    assert mirrored.verdict is verdict
    assert "400 samples" in mirrored.detail


def test_the_cell_that_decides_is_shown() -> None:
    assert "shown: b" in judge(values(3.0, 1.0, 2.0), 0.0, at_least).detail  # the nearest to the bound
    assert "shown: c" in judge(values(3.0, -1.0, -2.0), 0.0, at_least).detail  # the farthest beyond it


def test_one_comparison_of_one_training_says_less() -> None:
    one = judge(values(1.0, seeds=1).isel(seed=0, case=0, drop=True), 0.0, at_least)
    assert one.detail == "400 samples"
    assert one.rule == "one-sided 95 % limits: at least 0"


def test_what_lies_on_the_bound_without_scatter_shows_nothing() -> None:
    nothing = xr.DataArray(np.zeros(50), dims="trial")
    assert judge(nothing, 0.0, at_most, random="trial").verdict is Verdict.UNDECIDED
    assert judge(nothing, 0.1, at_most, random="trial").verdict is Verdict.REPRODUCED


@pytest.mark.parametrize(
    ("means", "verdict"),
    [((1.0, 1.05), Verdict.REPRODUCED), ((1.0, 1.5), Verdict.NOT_REPRODUCED), ((1.0, 1.25), Verdict.UNDECIDED)],
)
def test_between_two_bounds(means: tuple[float, ...], verdict: Verdict) -> None:
    found = judge_within(values(*means, spread=0.3), 0.8, 1.25, called="images")
    assert found.verdict is verdict
    assert found.rule == "one-sided 95 % limits: between 0.8 and 1.25 in every comparison"
    if verdict is not Verdict.REPRODUCED:
        assert "shown: b" in found.detail
    assert found.detail.endswith("400 images")


def test_what_was_not_measured_has_no_verdict() -> None:
    found = unmeasured("the other filter")
    assert found.verdict is Verdict.UNDECIDED
    assert np.isnan(float(found.estimate))
    assert found.detail == "not measured: the other filter"
