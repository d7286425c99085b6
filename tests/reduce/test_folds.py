from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.reduce import (
    MemberFold,
    at_least,
    at_most,
    fano_factor,
    fold_members,
    mean_and_error,
    psth,
    reliability,
)
from jaxsnn_noise.reduce.folds import _logit_limits
from jaxsnn_noise.reduce.jackknife import jackknife


def binned(trials: int = 20, bins: int = 12, neurons: int = 3, seed: int = 0) -> np.ndarray:
    """Poisson counts [trial, neuron, bin] with a peak, one silent trial and one missing one."""
    rng = np.random.default_rng(seed)
    rate = 0.3 + 2.0 * np.exp(-0.5 * ((np.arange(bins) - 4) / 1.5) ** 2)
    counts = rng.poisson(rate, size=(trials, neurons, bins)).astype(np.float32)
    counts[3, 0], counts[5, 1, 2] = 0.0, np.nan
    return counts


def test_fano_factor_of_a_loop_over_trials() -> None:
    counts = binned()[:, :, 4]
    found = fano_factor(xr.DataArray(counts, dims=("trial", "neuron")), groups=50)
    for neuron in range(3):
        values = [float(c) for c in counts[:, neuron] if np.isfinite(c)]

        def fano(sample: list[float]) -> float:
            mean = sum(sample) / len(sample)
            return sum((c - mean) ** 2 for c in sample) / (len(sample) - 1) / mean

        left_out = [fano(values[:i] + values[i + 1 :]) for i in range(len(values))]
        r = len(values)
        error = np.sqrt((r - 1) / r * sum((f - sum(left_out) / r) ** 2 for f in left_out))
        here = found.isel(neuron=neuron)
        np.testing.assert_allclose(here["fano_factor"], fano(values), rtol=1e-12)
        np.testing.assert_allclose(here["standard_error"], error, rtol=1e-10)
        assert int(here["n"]) == r == int(here["df"]) + 1
        assert 0 < here["low"] < here["fano_factor"] < here["high"]


def test_fano_factor_extremes() -> None:
    counts = np.stack([np.full(10, 4), np.zeros(10), np.full(10, 1_000_000) + np.arange(10) % 2], axis=1)
    found = fano_factor(xr.DataArray(counts, dims=("trial", "neuron")))
    assert float(found["fano_factor"][0]) == 0.0 == float(found["standard_error"][0])
    assert np.isnan(found["fano_factor"][1])  # no spikes: 0 / 0
    np.testing.assert_allclose(found["variance"][2], 10 / 36, rtol=1e-12)  # nothing cancels
    single = counts.astype(float)
    single[1:] = np.nan
    short = fano_factor(xr.DataArray(single, dims=("trial", "neuron")))
    assert np.isnan(short["fano_factor"]).all()
    np.testing.assert_array_equal(short["n_missing"], [9, 9, 9])


def test_fano_factor_of_poisson_counts_is_one_and_its_error_is_right() -> None:
    """Var(F) is 2/(n-1) to first order for Poisson counts; replicates stand in for neurons."""
    rng = np.random.default_rng(1)
    counts = xr.DataArray(rng.poisson(20.0, size=(200, 2000)), dims=("trial", "neuron"))
    found = fano_factor(counts)

    def check(amplitude: float) -> None:
        assert_mean(amplitude * found["fano_factor"].to_numpy(), 1.0)
        assert_mean(amplitude**2 * found["standard_error"].to_numpy() ** 2, 2 / 199)

    check(1.0)
    negative_control(check)


def test_reliability_is_the_mean_over_all_pairs() -> None:
    counts = binned()
    found = reliability(xr.DataArray(counts, dims=("trial", "neuron", "bin")).transpose("bin", "trial", "neuron"))
    for neuron in range(3):
        trains = [t for t in counts[:, neuron].astype(float) if np.isfinite(t).all()]

        def similarity(a: np.ndarray, b: np.ndarray) -> float:
            norm = np.linalg.norm(a) * np.linalg.norm(b)
            return float(a @ b / norm) if norm else 0.0

        pairs = [similarity(a, b) for a, b in combinations(trains, 2)]
        active = [t for t in trains if t.any()]
        here = found.isel(neuron=neuron)
        np.testing.assert_allclose(here["reliability"], np.mean(pairs), atol=1e-10)
        among = [similarity(a, b) for a, b in combinations(active, 2)]
        np.testing.assert_allclose(here["reliability_active"], np.mean(among), atol=1e-10)
        left_out = [
            np.mean([similarity(a, b) for a, b in combinations(trains[:i] + trains[i + 1 :], 2)])
            for i in range(len(trains))
        ]
        r = len(trains)
        error = np.sqrt((r - 1) / r * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
        np.testing.assert_allclose(here["standard_error"], error, rtol=1e-6)
        assert int(here["n"]) == r
    np.testing.assert_array_equal(found["n_silent"], [1, 0, 0])
    np.testing.assert_array_equal(found["n_missing"], [0, 1, 0])


def test_reliability_extremes() -> None:
    same = np.tile([0.0, 3.0, 1.0, 0.0], (6, 1))
    apart = np.eye(6)
    silent = np.zeros((6, 4))
    lone = silent.copy()
    lone[2] = 1.0
    for trains, value, active in (
        (same, 1.0, 1.0),
        (apart, 0.0, 0.0),
        (silent, np.nan, np.nan),
        (lone, 0.0, np.nan),
    ):
        found = reliability(xr.DataArray(trains, dims=("trial", "bin")))
        np.testing.assert_allclose(found["reliability"], value, atol=1e-11)
        np.testing.assert_allclose(found["reliability_active"], active, atol=1e-11)
    found = reliability(xr.DataArray(same, dims=("trial", "bin")))
    assert float(found["standard_error"]) < 1e-11
    np.testing.assert_allclose([found["low"], found["high"]], 1.0, atol=1e-9)
    for trains in (apart, lone):
        found = reliability(xr.DataArray(trains, dims=("trial", "bin")))
        np.testing.assert_allclose([found["low"], found["high"]], 0.0, atol=1e-11)
    unequal = reliability(xr.DataArray(binned(), dims=("trial", "neuron", "bin")))
    assert (unequal["low"] < unequal["reliability"]).all()
    assert (unequal["reliability"] < unequal["high"]).all()
    assert (unequal["low"] > -1 / 19).all()
    assert (unequal["high"] < 1).all()


def test_reliability_is_unbiased() -> None:
    """Trains of one spike in one of ten bins: a pair agrees with probability sum p^2."""
    rng = np.random.default_rng(2)
    p = np.array([0.4] + [0.6 / 9] * 9)
    at = rng.choice(10, p=p, size=(100, 2000))
    trains = xr.DataArray((at[..., None] == np.arange(10)) * 1.0, dims=("trial", "neuron", "bin"))
    found = reliability(trains)
    values = found["reliability"].to_numpy()

    def check(amplitude: float) -> None:
        assert_mean(amplitude * values, np.sum(p**2))

    check(1.0)
    negative_control(check)


def test_whole_populations_can_be_compared() -> None:
    array = xr.DataArray(binned()[:3], dims=("trial", "neuron", "bin")).isel(neuron=[0, 2])
    found = reliability(array, bins=("bin", "neuron"))
    z = array.to_numpy().reshape(3, -1).astype(float)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    np.testing.assert_allclose(found["reliability"], (np.sum(z @ z.T) - 3) / 6, atol=1e-10)
    assert found["reliability"].dims == ()


def test_psth_of_a_loop_over_bins() -> None:
    counts = binned()
    array = xr.DataArray(
        counts, dims=("trial", "neuron", "bin"), coords={"bin": 2.5 + 5.0 * np.arange(12), "neuron": [4, 5, 6]}
    )
    found = psth(array)
    assert found["rate"].dims == ("neuron", "bin")
    assert found["rate"].attrs == {"units": "Hz"}
    assert found.attrs["bin_ms"] == 5.0
    for neuron in range(3):
        for at in range(12):
            values = [float(c) for c in counts[:, neuron, at] if np.isfinite(c)]
            here = found.isel(neuron=neuron, bin=at)
            np.testing.assert_allclose(here["rate"], np.mean(values) * 200.0, rtol=1e-12)
            error = np.std(values, ddof=1) / np.sqrt(len(values)) * 200.0
            np.testing.assert_allclose(here["standard_error"], error, rtol=1e-12)
            assert int(here["n"]) == len(values)
            fano = max(np.var(values, ddof=1), 1 / len(values)) / np.mean(values)
            np.testing.assert_allclose(here["dispersion"], fano, rtol=1e-12)


def tail() -> float:
    """Of the normal law, beyond Student's two-sided 95 % quantile with 29 degrees of freedom."""
    return float(stats.norm.sf(stats.t.ppf(0.975, 29)))


def test_a_bin_without_spikes_has_a_poisson_upper_limit() -> None:
    found = psth(xr.DataArray(np.zeros((30, 4)), dims=("trial", "bin")), bin_ms=10.0)
    np.testing.assert_array_equal(found["low"], 0.0)
    np.testing.assert_allclose(np.exp(-found["high"] / 1000 * 10 * 30), tail(), rtol=1e-10)


def test_limits_of_a_psth_leave_the_tails_of_a_poisson_count() -> None:
    """7 spikes of which two fell in one trial of 30: as many events as 7 / F, in units of F / 30."""
    counts = np.zeros(30)
    counts[:6] = [2, 1, 1, 1, 1, 1]
    found = psth(xr.DataArray(counts[:, None], dims=("trial", "bin")), bin_ms=10.0)
    fano = np.var(counts, ddof=1) / np.mean(counts)
    events = 7 / fano
    low, high = (float(found[name][0]) * 0.01 * 30 / fano for name in ("low", "high"))
    np.testing.assert_allclose(stats.gamma.cdf(low, events), tail(), rtol=1e-9)
    np.testing.assert_allclose(stats.gamma.sf(high, events + 1), tail(), rtol=1e-9)
    assert high - events > events - low > 0


@pytest.mark.parametrize("spikes", [1, 3])
def test_counts_that_are_all_equal_have_an_interval_that_reaches_both_ways(spikes: int) -> None:
    found = psth(xr.DataArray(np.full((20, 1), spikes), dims=("trial", "bin")), bin_ms=1000.0)
    assert float(found["standard_error"][0]) == 0.0
    # a trial that differs, with a chance of c^2 / (n + c^2), is what Wilson's limit leaves open
    square = stats.t.ppf(0.975, 19) ** 2
    assert float(found["low"][0]) == pytest.approx(spikes - square / (20 + square))
    assert float(found["high"][0]) >= spikes + square / (20 + square) - 1e-12


def test_claims_on_a_psth_use_its_limits() -> None:
    counts = xr.DataArray(np.random.default_rng(5).poisson(0.1, (40, 6)), dims=("trial", "bin"))
    found = psth(counts, bin_ms=5.0, confidence=0.9)
    for bound in (2.0, 20.0, 60.0, 200.0, 300.0):
        most, least = at_most(found, bound), at_least(found, bound)
        np.testing.assert_allclose(most["upper"], found["high"], rtol=1e-12)
        np.testing.assert_allclose(least["lower"], found["low"], rtol=1e-12)
        np.testing.assert_array_equal(most["p_reproduced"] <= 0.05, most["upper"] <= bound)
        np.testing.assert_array_equal(most["p_refuted"] < 0.05, most["lower"] > bound)
        np.testing.assert_array_equal(least["p_reproduced"] <= 0.05, least["lower"] >= bound)
        np.testing.assert_array_equal(least["p_refuted"] < 0.05, least["upper"] < bound)
    assert set(at_most(found, 60.0)["verdict"].values.tolist()) <= {"reproduced", "undecided"}


class Largest(MemberFold):
    """The largest member of each entry: keeps its vectors."""

    def init(self, shape: tuple[int, ...]) -> Any:
        return (np.full(shape, -np.inf),)

    def update(self, acc: Any, members: np.ndarray, first: int) -> Any:
        return (np.maximum(acc[0], members.max(axis=0)),)

    def merge(self, a: Any, b: Any) -> Any:
        return (np.maximum(a[0], b[0]),)

    def finalize(self, acc: Any, confidence: float) -> dict[str, Any]:
        return {"largest": acc[0], "of_all": acc[0].max(axis=-1)}

    @classmethod
    def example(cls) -> Largest:
        return cls()


def test_a_fold_of_ones_own_runs_over_labelled_results() -> None:
    values = np.random.default_rng(1).normal(size=(2, 7, 3, 4))
    array = xr.DataArray(values, dims=("level", "trial", "neuron", "bin"), coords={"level": [0.1, 0.2]})
    for chunk in (None, 2):
        found = fold_members(Largest(), array, along=("bin", "neuron"), chunk=chunk)
        xr.testing.assert_equal(found["largest"], array.max("trial").transpose("level", "bin", "neuron"))
        xr.testing.assert_equal(found["of_all"], array.max(("trial", "neuron", "bin")))
    unchecked: Any = getattr(fold_members, "__wrapped__", fold_members)  # without the suite's own type checks
    with pytest.raises(InputError, match="must be a MemberFold"):
        unchecked(np.mean, array)
    with pytest.raises(InputError, match="fold_members: along: must be a dimension other"):
        fold_members(Largest(), array, along="trial")
    with pytest.raises(InputError, match="must name each dimension once"):
        fold_members(Largest(), array, along=("bin", "bin"))


def test_jackknife_of_a_mean_is_its_standard_error_for_any_groups() -> None:
    x = np.random.default_rng(3).normal(size=40)
    sizes = np.ones(40)
    error, df = jackknife(x.mean(), (x.sum() - x) / 39, sizes)
    np.testing.assert_allclose(error, x.std(ddof=1) / np.sqrt(40), rtol=1e-12)
    assert df == 39
    rng = np.random.default_rng(4)
    groups = np.array([3, 3, 2, 2, 2, 0])
    draws = rng.normal(size=(12, 4000))
    ends = np.cumsum(groups)
    sums = np.stack([draws[e - g : e].sum(axis=0) for e, g in zip(ends, groups, strict=True)])
    left_out = (draws.sum(axis=0) - sums) / (12 - groups)[:, None]
    error, df = jackknife(draws.mean(axis=0), left_out, np.broadcast_to(groups[:, None], sums.shape))

    def check(amplitude: float) -> None:
        assert_mean((amplitude * error) ** 2, 1 / 12)

    check(1.0)
    negative_control(check)
    assert (df == 4).all()


def test_a_statistic_can_be_claimed_and_summarised_over_devices() -> None:
    counts = xr.DataArray(np.random.default_rng(5).poisson(9, (6, 40)), dims=("device", "trial"))
    found = fano_factor(counts)
    assert mean_and_error(found["fano_factor"], "device")["df"] == 5
    assert (at_most(found, 100.0)["verdict"] == "reproduced").all()


def test_wrong_inputs_are_named() -> None:
    array = xr.DataArray(np.ones((4, 5)), dims=("trial", "bin"))
    with pytest.raises(InputError, match=r"over: unknown dimension; got 'trials'. Did you mean 'trial'"):
        fano_factor(array, "trials")
    with pytest.raises(InputError, match=r"bins: must be a dimension other .* got 'bins'. Did you mean 'bin'"):
        reliability(array, bins="bins")
    with pytest.raises(InputError, match="bins: must be a dimension other"):
        reliability(array, bins="trial")
    with pytest.raises(InputError, match="bin_ms: is needed"):
        psth(array)
    with pytest.raises(InputError, match="bin_ms: is needed"):
        psth(array.assign_coords(bin=[0.0, 1.0, 2.0, 4.0, 5.0]))
    with pytest.raises(InputError, match="bins: unknown dimension; got 'time'"):
        psth(array, bins="time", bin_ms=1.0)
    with pytest.raises(InputError, match="bin_ms: must be finite and > 0"):
        psth(array, bin_ms=0.0)
    with pytest.raises(InputError, match="needs spike counts: whole numbers >= 0"):
        fano_factor(array - 2)
    with pytest.raises(InputError, match="chunk: must be a whole number >= 1"):
        fano_factor(array, chunk=0)
    with pytest.raises(InputError, match="groups: must be a whole number >= 2"):
        fano_factor(array, groups=1)
    with pytest.raises(InputError, match="at least two members"):
        fano_factor(array.isel(trial=[0]))


def test_reliability_limits_are_proper_at_and_next_to_the_ends() -> None:
    value = np.array([1.0, 1.0 + 1e-13, 1.0 - 1e-13, -0.2, 0.3, 1.0])
    reach = np.array([0.0, 1e-13, 1e-13, 0.0, 0.1, np.nan])
    low, high = _logit_limits(value, reach, 6)
    np.testing.assert_allclose(low[:3], 1.0, atol=1e-11)
    np.testing.assert_allclose(high[:3], 1.0, atol=1e-11)
    assert low[3] == high[3] == -0.2
    odds = [(v + 0.2) / (1 - v) for v in (low[4], 0.3, high[4])]
    np.testing.assert_allclose(odds[1] / odds[0], odds[2] / odds[1], rtol=1e-10)  # symmetric on the logit scale
    assert low[4] < 0.3 < high[4]
    assert np.isnan(low[5])
    assert np.isnan(high[5])


def test_the_dimension_of_bins_is_found_by_its_name() -> None:
    array = xr.DataArray(np.eye(4, 5), dims=("trial", "bin_counts"))
    named = reliability(array, bins="bin_counts")
    assert float(reliability(array)["reliability"]) == float(named["reliability"])
    assert psth(array, bin_ms=1.0)["rate"].dims == ("bin_counts",)
    for dims in (("trial", "x"), ("trial", "x", "bin_a", "bin_b")):
        with pytest.raises(InputError, match="bins: must name the dimension of the bins"):
            psth(xr.DataArray(np.zeros((2,) * len(dims)), dims=dims), bin_ms=1.0)


def test_groups_of_unequal_sizes_have_the_error_of_their_means() -> None:
    """Of a mean the pseudo-values are the groups' own means, about the mean of all, weighted by what a group leaves out."""
    rng, sizes = np.random.default_rng(4), np.array([5, 2, 1, 4])
    values = [rng.normal(3.0, 1.0, n) for n in sizes]
    every, total = np.concatenate(values), int(sizes.sum())
    without = np.array([(every.sum() - v.sum()) / (total - len(v)) for v in values])
    error, df = jackknife(every.mean(), without, sizes)
    terms = [(v.mean() - every.mean()) ** 2 / (total / len(v) - 1) for v in values]
    np.testing.assert_allclose(error, np.sqrt(np.mean(terms)), rtol=1e-12)
    assert df == 3


def test_the_pseudo_values_are_taken_about_their_weighted_centre() -> None:
    """Of what is no mean the centre differs from the estimate, and depends on the sizes of the groups."""
    sizes, theta = np.array([3, 2, 2]), 1.7
    without = np.array([1.2, 1.9, 2.4])
    h = 7 / sizes
    pseudo = h * theta - (h - 1) * without
    centre = 3 * theta - sum((1 - m / 7) * t for m, t in zip(sizes, without, strict=True))
    expected = np.sqrt(np.mean((pseudo - centre) ** 2 / (h - 1)))
    np.testing.assert_allclose(jackknife(theta, without, sizes)[0], expected, rtol=1e-12)
