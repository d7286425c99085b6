"""Do 95 % intervals hold the truth in 95 % of repeated studies?

Normal members under one root give Student's interval, which is exact: the number of covering intervals is binomial with
probability 0.95, tested with the false-alarm rate of the helper. Everything else is approximate: there the data must
*show* a coverage between 93 and 97 % (the Clopper-Pearson interval of the coverage at a level of one in a million lies
inside). With 20,000 replicates that interval reaches 0.75 points to either side: the false-alarm rate is below 1e-14
for a true coverage of 95 %, and below 1e-4 for one between 94.5 and 95.7 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from helpers.statistical import FALSE_ALARM, Deviation, assert_proportion, negative_control
from jaxsnn_noise.reduce import (
    at_least,
    at_most,
    fano_factor,
    mean_and_error,
    paired_contrast,
    proportion,
    reliability,
)

REPLICATES = 20_000


def study(sizes: dict[str, int], effects: dict[str, float], seed: int, n: int = REPLICATES) -> xr.DataArray:
    """Replicates of a study with mean 0: one normal random effect per set of dimensions."""
    rng = np.random.default_rng(seed)
    y = np.zeros((n, *sizes.values()))
    for name, sigma in effects.items():
        shape = [size if dim in name.split(":") else 1 for dim, size in sizes.items()]
        y += sigma * rng.normal(size=(n, *shape))
    return xr.DataArray(y, dims=("replicate", *sizes))


def covers(found: xr.Dataset, truth: float, stretch: float = 1.0) -> np.ndarray:
    """Which intervals, stretched about the mean, hold the truth."""
    low, high = (found["mean"] + stretch * (found[end] - found["mean"]) for end in ("low", "high"))
    return ((low <= truth) & (truth <= high)).to_numpy()


def assert_between(hits: np.ndarray, low: float = 0.93, high: float = 0.97) -> None:
    """The share of hits is shown to lie between ``low`` and ``high``."""
    shown = stats.binomtest(int(hits.sum()), hits.size).proportion_ci(1 - FALSE_ALARM)
    if shown.low < low or shown.high > high:
        raise Deviation(f"coverage {hits.mean():.4f} ({shown.low:.4f} to {shown.high:.4f}) of {hits.size}")


def pooled(array: xr.DataArray, over: Sequence[str]) -> xr.Dataset:
    """The naive interval, as if all members were independent."""
    return mean_and_error(array.stack(member=tuple(over)), "member")


DEVICE_TRIAL = ({"device": 20, "trial": 10}, {"device": 1.0, "device:trial": 1.0})


def test_device_by_trial_is_exact() -> None:
    found = mean_and_error(study(*DEVICE_TRIAL, seed=1, n=4000))

    def check(stretch: float) -> None:
        assert_proportion(covers(found, 0.0, stretch).sum(), 4000, 0.95)

    check(1.0)
    negative_control(check)


def test_the_pooled_error_of_device_by_trial_fails() -> None:
    array = study(*DEVICE_TRIAL, seed=1, n=4000)
    with pytest.raises(Deviation):
        assert_proportion(covers(pooled(array, ("device", "trial")), 0.0).sum(), 4000, 0.95)


CROSSED = {
    "sample x trial": ({"sample": 30, "trial": 10}, {"sample": 1.0, "sample:trial": 1.0}),
    "sample x trial, shared trials": (
        {"sample": 30, "trial": 10},
        {"sample": 0.5, "trial": 0.5, "sample:trial": 1.0},
    ),
    "device x sample x trial": (
        {"device": 10, "sample": 12, "trial": 3},
        {"device": 0.5, "sample": 0.5, "device:sample": 0.3, "device:trial": 0.2, "device:sample:trial": 1.0},
    ),
    "seed x device x sample": (
        {"seed": 5, "device": 8, "sample": 10},
        {"seed": 0.5, "device": 0.5, "sample": 0.5, "seed:device:sample": 1.0},
    ),
}


@pytest.mark.parametrize("name", CROSSED)
def test_crossed_designs_cover_and_the_pooled_error_does_not(name: str) -> None:
    sizes, effects = CROSSED[name]
    array = study(sizes, effects, seed=2)
    found = mean_and_error(array, tuple(sizes))

    def check(stretch: float) -> None:
        assert_between(covers(found, 0.0, stretch))

    check(1.0)
    negative_control(check)
    with pytest.raises(Deviation):
        assert_between(covers(pooled(array, tuple(sizes)), 0.0))


def test_clustering_by_one_of_two_crossed_factors_is_not_enough() -> None:
    sizes, effects = {"device": 10, "sample": 30}, {"device": 0.5, "sample": 0.5, "device:sample": 1.0}
    array = study(sizes, effects, seed=3, n=5000)
    assert_between(covers(mean_and_error(array, tuple(sizes)), 0.0), 0.93, 0.97)
    for kept, averaged in (("device", "sample"), ("sample", "device")):
        with pytest.raises(Deviation):
            assert_between(covers(mean_and_error(array.mean(averaged), kept), 0.0), 0.93, 0.97)


def test_without_any_shared_effect_the_crossed_interval_is_wide_not_narrow() -> None:
    array = study({"sample": 30, "trial": 10}, {"sample:trial": 1.0}, seed=4)
    assert_between(covers(mean_and_error(array, ("sample", "trial")), 0.0), 0.95, 0.99)


def test_missing_members_and_empty_entries_leave_the_coverage() -> None:
    sizes = {"device": 10, "sample": 20}
    array = study(sizes, {"device": 0.5, "sample": 0.5, "device:sample": 1.0}, seed=5)
    lost = np.random.default_rng(6).random(array.shape) < 0.3
    assert_between(covers(mean_and_error(array.where(~lost), tuple(sizes)), 0.0))


@pytest.mark.parametrize("over", ["device", "sample"])
def test_one_sided_limits_and_verdicts_are_wrong_as_often_as_stated(over: str) -> None:
    """At the boundary, "reproduced" and "not reproduced" are each claimed with probability 5 % (exact here)."""
    n = 4000
    array = study({over: 12}, {over: 1.0}, seed=7, n=n)
    for claim, bound in ((at_most, 0.0), (at_least, 0.0)):
        found = claim(array, bound, over)
        for verdict in ("reproduced", "not reproduced"):
            assert_proportion((found["verdict"] == verdict).sum(), n, 0.05)
        assert_proportion((found["upper"] < 0).sum(), n, 0.05)
        assert_proportion((found["lower"] > 0).sum(), n, 0.05)
    with pytest.raises(Deviation):  # the two-sided limits are other limits
        assert_proportion((mean_and_error(array, over)["high"] < 0).sum(), n, 0.05)


def test_paired_contrasts_cover_and_unpaired_ones_are_wide() -> None:
    rng = np.random.default_rng(8)
    n = 4000
    shared = study(*DEVICE_TRIAL, seed=9, n=n)
    own = 0.3 * rng.normal(size=(2, *shared.shape))
    array = xr.concat([shared + part for part in own], dim=xr.DataArray([0.0, 0.1], dims="sigma", name="sigma"))
    found = paired_contrast(array, "sigma", 0.0).isel(sigma=0)

    def check(stretch: float) -> None:
        assert_proportion(covers(found, 0.0, stretch).sum(), n, 0.95)

    check(1.0)
    negative_control(check)
    unpaired = found.assign(
        low=found["mean"] + np.sqrt(found["variance_reduction"]) * (found["low"] - found["mean"]),
        high=found["mean"] + np.sqrt(found["variance_reduction"]) * (found["high"] - found["mean"]),
    )
    assert covers(unpaired, 0.0).all()


def clustered_outcomes(p: float, rho: float, devices: int, trials: int, seed: int) -> xr.DataArray:
    """Beta-binomial: the chips' own success probabilities have intraclass correlation rho."""
    rng = np.random.default_rng(seed)
    a = p * (1 / rho - 1)
    chance = rng.beta(a, a * (1 - p) / p, size=(REPLICATES, devices, 1))
    return xr.DataArray(rng.random((REPLICATES, devices, trials)) < chance, dims=("replicate", "device", "trial"))


@pytest.mark.parametrize(("p", "rho"), [(0.5, 0.1), (0.2, 0.1), (0.05, 0.05)])
def test_clustered_proportions_cover_and_the_pooled_wilson_interval_does_not(p: float, rho: float) -> None:
    array = clustered_outcomes(p, rho, devices=20, trials=30, seed=10)
    found = proportion(array)

    def check(stretch: float) -> None:
        assert_between(covers(found, p, stretch))

    check(1.0)
    negative_control(check)
    naive = proportion(array.stack(member=("device", "trial")), "member")
    with pytest.raises(Deviation):
        assert_between(covers(naive, p))


def test_crossed_proportions_cover() -> None:
    """Device x sample outcomes of a latent normal model; its success probability is known in closed form."""
    rng = np.random.default_rng(11)
    n, devices, samples = 8000, 8, 60
    latent = 1.0 + 0.4 * rng.normal(size=(n, devices, 1)) + 0.8 * rng.normal(size=(n, 1, samples))
    array = xr.DataArray(latent + rng.normal(size=(n, devices, samples)) > 0, dims=("replicate", "device", "sample"))
    truth = float(stats.norm.cdf(1.0 / np.sqrt(1 + 0.4**2 + 0.8**2)))
    assert_between(covers(proportion(array, ("device", "sample")), truth))
    with pytest.raises(Deviation):
        assert_between(covers(proportion(array.stack(member=("device", "sample")), "member"), truth))


def test_fano_intervals_cover() -> None:
    rng = np.random.default_rng(12)
    counts = xr.DataArray(rng.poisson(10.0, size=(100, REPLICATES)), dims=("trial", "neuron"))
    found = fano_factor(counts)
    assert_between(((found["low"] <= 1) & (found["high"] >= 1)).to_numpy())
    shifted = found * 0.8  # a Fano factor that is 20 % off
    with pytest.raises(Deviation):
        assert_between(((shifted["low"] <= 1) & (shifted["high"] >= 1)).to_numpy())


def test_reliability_intervals_cover() -> None:
    """Trains of one spike in one of ten bins: a pair agrees with probability sum p^2."""
    rng = np.random.default_rng(13)
    p = np.array([0.6] + [0.4 / 9] * 9)
    at = rng.choice(10, p=p, size=(60, REPLICATES))
    trains = xr.DataArray((at[..., None] == np.arange(10)) * 1.0, dims=("trial", "neuron", "bin"))
    found = reliability(trains, chunk=10)

    def check(amplitude: float) -> None:
        low, high = amplitude * found["low"], amplitude * found["high"]
        assert_between(((low <= np.sum(p**2)) & (np.sum(p**2) <= high)).to_numpy())

    check(1.0)
    negative_control(check)
