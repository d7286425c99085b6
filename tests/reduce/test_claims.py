from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from helpers.statistical import assert_proportion
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.reduce import (
    AtLeast,
    AtMost,
    Bonferroni,
    Holm,
    Verdict,
    Within,
    at_least,
    at_most,
    decide,
    every,
    mean_and_error,
    paired_contrast,
    proportion,
)

R, N, U = (v.value for v in (Verdict.REPRODUCED, Verdict.NOT_REPRODUCED, Verdict.UNDECIDED))


@pytest.mark.parametrize(
    ("rule", "verdicts"),
    [(AtMost(1.0), [R, U, N, R]), (AtLeast(1.0), [N, U, R, U]), (Within(0.4, 1.0), [U, U, N, R])],
)
def test_an_interval_decides_or_does_not(rule: AtMost | AtLeast | Within, verdicts: list[str]) -> None:
    low, high = np.array([0.0, 0.5, 1.1, 0.5]), np.array([0.9, 1.5, 2.0, 1.0])
    assert decide(low, high, rule).tolist() == verdicts
    assert decide(low[0], high[0], rule) is Verdict(verdicts[0])
    assert decide(np.nan, np.nan, rule) is Verdict.UNDECIDED
    assert decide(-np.inf, np.inf, rule) is Verdict.UNDECIDED


def test_wrong_intervals_are_refused() -> None:
    with pytest.raises(InputError, match="needs low <= high"):
        decide(1.0, 0.0, AtMost(1))
    with pytest.raises(InputError, match="needs least <= most"):
        Within(1.0, 0.0)


def cells() -> xr.DataArray:
    """Means 0, 1 and 2 with the same scatter, 8 devices."""
    scatter = np.random.default_rng(0).normal(size=8)
    scatter = (scatter - scatter.mean()) / scatter.std(ddof=1)
    return xr.DataArray(scatter + np.arange(3.0)[:, None], dims=("case", "device"), attrs={"units": "%"})


def test_limits_and_p_values_are_the_one_sided_t_test() -> None:
    found = at_most(cells(), 1.0, "device", confidence=0.9)
    reach = stats.t.ppf(0.9, 7) / np.sqrt(8)
    np.testing.assert_allclose(found["upper"], np.arange(3.0) + reach, rtol=1e-10)
    np.testing.assert_allclose(found["lower"], np.arange(3.0) - reach, atol=1e-10)
    for case, members in enumerate(cells().to_numpy()):
        above = stats.ttest_1samp(members, 1.0, alternative="less").pvalue
        np.testing.assert_allclose(found["p_reproduced"][case], above, rtol=1e-8)
        np.testing.assert_allclose(found["p_refuted"][case], 1 - above, rtol=1e-8)
    assert found["verdict"].values.tolist() == [R, U, N]
    assert found["verdict"].values.tolist() == decide(found["lower"], found["upper"], AtMost(1)).tolist()
    assert found["upper"].attrs == {"units": "%"}
    mirrored = at_least(-cells(), -1.0, "device", confidence=0.9)
    assert mirrored["verdict"].values.tolist() == [R, U, N]
    np.testing.assert_allclose(mirrored["p_reproduced"], found["p_reproduced"], rtol=1e-10)
    assert at_least(cells(), 1.0, "device")["verdict"].values.tolist() == [N, U, R]


def test_members_without_scatter_decide_by_their_value() -> None:
    array = xr.DataArray(np.array([[0.0], [1.0], [2.0]]) * np.ones(4), dims=("case", "device"))
    for claim, verdicts in ((at_most, [R, R, N]), (at_least, [N, R, R])):
        found = claim(array, 1.0, "device")
        assert found["verdict"].values.tolist() == verdicts
        assert set(np.unique(found["p_reproduced"])) == {0.0, 1.0}
        np.testing.assert_array_equal(found["p_reproduced"] + found["p_refuted"], 1.0)


def test_missing_members_leave_a_claim_undecided() -> None:
    array = cells()
    array[:, 0] = np.nan
    found = at_most(array, 1.0, "device", confidence=0.6)
    assert found["verdict"].values.tolist() == [U, U, U]
    assert (found["n_missing"] == 1).all()
    worst = at_most(array.fillna(2.5), 1.0, "device", confidence=0.6)
    assert worst["verdict"].values[[0, 2]].tolist() == [R, N]
    gone = at_most(array * np.nan, 1.0, "device")
    assert gone["verdict"].values.tolist() == [U, U, U]


def test_estimates_are_taken_as_they_are() -> None:
    array = cells()
    xr.testing.assert_identical(at_most(mean_and_error(array, "device"), 1.0), at_most(array, 1.0, "device"))
    contrast = paired_contrast(array, "case", 0, "device")
    assert at_most(contrast, 1.5)["verdict"].values.tolist() == [R, N]


def test_a_proportion_is_judged_by_its_score_test() -> None:
    array = xr.DataArray(np.arange(60) < 3, dims="trial")
    found = at_most(proportion(array, "trial"), 0.2)
    score = (0.05 - 0.2) / np.sqrt(0.2 * 0.8 / 60)
    np.testing.assert_allclose(found["p_reproduced"], stats.norm.cdf(score), rtol=1e-10)
    wanted = stats.binomtest(3, 60).proportion_ci(0.9, method="wilson")
    np.testing.assert_allclose([found["lower"], found["upper"]], [wanted.low, wanted.high], rtol=1e-10)
    assert str(found["verdict"].values) == R


@pytest.mark.parametrize(
    ("hits", "bound", "most", "least"),
    [(0, 0.0, U, R), (3, 0.0, N, R), (60, 1.0, R, U), (3, 1.0, R, N), (0, 0.2, R, N), (60, 0.2, N, R)],
)
def test_proportions_at_the_edge(hits: int, bound: float, most: str, least: str) -> None:
    found = proportion(xr.DataArray(np.arange(60) < hits, dims="trial"), "trial")
    for claim, wanted in ((at_most(found, bound), most), (at_least(found, bound), least)):
        assert str(claim["verdict"].values) == wanted


def test_corrections_are_those_of_the_textbook() -> None:
    p = np.array([0.01, 0.04, 0.03, 0.005, np.nan])
    np.testing.assert_allclose(Bonferroni().adjust(p), [0.05, 0.2, 0.15, 0.025, np.nan])
    np.testing.assert_allclose(Holm().adjust(p), [0.04, 0.09, 0.09, 0.025, np.nan])
    rng = np.random.default_rng(1)
    for _ in range(20):
        sample = rng.random(6) ** 3
        rejected, threshold = set(), 0.05
        for rank, index in enumerate(np.argsort(sample)):
            if sample[index] > threshold / (6 - rank):
                break
            rejected.add(int(index))
        assert set(np.flatnonzero(Holm().adjust(sample) <= 0.05).tolist()) == rejected


def test_corrected_verdicts_are_fewer_and_holm_is_the_sharper() -> None:
    rng = np.random.default_rng(2)
    array = xr.DataArray(rng.normal(size=(40, 8)) + np.linspace(0, 2, 40)[:, None], dims=("case", "device"))
    decided = [
        {int(i) for i in np.flatnonzero(at_most(array, 1.0, "device", correction=c)["verdict"].values != U)}
        for c in (None, Holm(), Bonferroni())
    ]
    assert decided[2] <= decided[1] < decided[0]
    bonferroni = at_most(array, 1.0, "device", correction=Bonferroni())
    agreed = decide(bonferroni["lower"], bonferroni["upper"], AtMost(1))
    assert agreed.tolist() == bonferroni["verdict"].values.tolist()


def test_every_cell_must_be_shown_and_one_breaks_the_claim() -> None:
    array = cells()
    assert str(every(at_most(array, 5.0, "device"))["verdict"].values) == R
    assert str(every(at_most(array, 0.5, "device"))["verdict"].values) == N
    assert str(every(at_most(array, 2.0, "device"))["verdict"].values) == U
    partly = every(at_most(array.expand_dims(group=2), 1.5, "device"), over="case")
    assert partly["verdict"].dims == ("group",)
    assert int(partly["cells"]) == 3
    array[0, 0] = np.nan
    assert str(every(at_most(array, 5.0, "device"))["verdict"].values) == U


def test_false_verdicts_on_every_cell_are_as_rare_as_stated() -> None:
    """All ten cells at the bound: some cell is called too large with probability 1 - (1 - alpha/10)^10."""
    n, m = 4000, 10
    rng = np.random.default_rng(3)
    array = xr.DataArray(rng.normal(size=(n, m, 12)), dims=("replicate", "case", "device"))
    claims = at_most(array, 0.0, "device")
    found = every(claims, over="case")
    assert_proportion((found["verdict"] == N).sum(), n, 1 - (1 - 0.05 / m) ** m)
    assert_proportion((claims["verdict"] == N).any("case").sum(), n, 1 - 0.95**m)  # what no correction would do
    assert_proportion((found["verdict"] == R).sum(), n, 0.05**m)
    one_open = array + xr.DataArray(np.where(np.arange(m) == 4, 0.0, -9.0), dims="case")
    worst = every(at_most(one_open, 0.0, "device"), over="case")
    assert_proportion((worst["verdict"] == R).sum(), n, 0.05)  # the full level although there are ten cells


def test_wrong_uses_are_refused() -> None:
    array = cells()
    with pytest.raises(InputError, match="an array needs its random dimensions named"):
        at_most(array, 1.0)
    with pytest.raises(InputError, match="no random dimensions left"):
        at_most(mean_and_error(array, "device"), 1.0, "device")
    with pytest.raises(InputError, match="or an estimate with"):
        at_most(array.to_dataset(name="x"), 1.0)
    with pytest.raises(InputError, match="bound: must be finite"):
        at_most(array, np.nan, "device")
    with pytest.raises(InputError, match="without a correction"):
        every(at_most(array, 1.0, "device", correction=Holm()))
    with pytest.raises(InputError, match=r"over: unknown dimension; got 'cases'. Did you mean 'case'"):
        every(at_most(array, 1.0, "device"), over="cases")
    with pytest.raises(InputError, match="what at_most or at_least returned"):
        every(mean_and_error(array, "device"))
