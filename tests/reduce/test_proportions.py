from __future__ import annotations

import time

import numpy as np
import pytest
import xarray as xr
from scipy import optimize, special, stats

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.reduce import at_least, at_most, proportion


def outcomes(p: float, devices: int = 5, trials: int = 8, seed: int = 0) -> xr.DataArray:
    rng = np.random.default_rng(seed)
    return xr.DataArray(rng.random((devices, trials)) < p, dims=("device", "trial"))


@pytest.mark.parametrize("hits", [0, 1, 7, 20])
def test_one_random_dimension_is_wilsons_interval(hits: int) -> None:
    found = proportion(xr.DataArray(np.arange(20) < hits, dims="trial"), "trial", confidence=0.9)
    wanted = stats.binomtest(hits, 20).proportion_ci(0.9, method="wilson")
    np.testing.assert_allclose([found["low"], found["high"]], [wanted.low, wanted.high], atol=1e-12)
    assert float(found["mean"]) == hits / 20
    assert float(found["n_effective"]) == 20.0
    assert np.isinf(found["df"])


@pytest.mark.parametrize("hits", [0, 1])
def test_all_outcomes_alike_leave_a_proper_interval_that_knows_the_clusters(hits: int) -> None:
    array = xr.DataArray(np.full((5, 8), bool(hits)), dims=("device", "trial"))
    widths = []
    reach = 5 * np.log1p(stats.t.ppf(0.975, 4) ** 2 / 4)
    for rho, effective in ((0.0, 40.0), (0.5, 40 / 4.5), (1.0, 5.0)):
        found = proportion(array, edge_intraclass=rho)
        beyond = float(found["low"] if hits else 1 - found["high"])  # the chance of what was always seen
        same = 8 * np.log(beyond) if rho == 0 else np.log(beyond) if rho == 1 else stats.betabinom.logpmf(
            8, 8, beyond, 1 - beyond)  # fmt: skip
        assert -2 * 5 * same == pytest.approx(reach, rel=1e-5)
        np.testing.assert_allclose(found["n_effective"], effective, rtol=1e-12)
        assert float(found["mean"]) == float(hits) == float(found["high" if hits else "low"])
        widths.append(float(found["high"] - found["low"]))
    assert 0 < widths[0] < widths[1] < widths[2] < 1
    assert float(proportion(array)["n_effective"]) == 5.0  # the default is the widest


def by_hand(p: float, k: np.ndarray, n: np.ndarray) -> tuple[float, float]:
    """``l*(p)`` and its intraclass correlation by a search over the beta-binomial law of SciPy."""

    def minus(log_odds: float) -> float:
        rho = 1.0 / (1.0 + np.exp(-log_odds))
        theta = 1.0 / rho - 1.0
        weighted = np.sum(n**2) / np.sum(n)
        effect = 0.5 * np.log(1.0 + (weighted - 1.0) * rho)
        choose = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
        return -float(np.sum(stats.betabinom.logpmf(k, n, p * theta, (1 - p) * theta) - choose) + effect)

    starts = np.linspace(-12.0, 8.0, 201)
    best = starts[int(np.argmin([minus(x) for x in starts]))]
    found = optimize.minimize_scalar(minus, bounds=(best - 0.2, best + 0.2), method="bounded", options={"xatol": 1e-9})
    return -float(found.fun), float(1.0 / (1.0 + np.exp(-found.x)))


COUNTS = {
    "beta-binomial": [3, 9, 14, 2, 7, 21, 5, 0],
    "one chip with events": [0, 0, 4, 0, 0, 0, 0, 0],
    "as a binomial": [10, 12, 11, 9, 10, 13, 10, 11],
    "more scatter than the fit": [0, 0, 1, 0, 0, 2, 0, 30],
}


@pytest.mark.parametrize("name", COUNTS)
def test_clustered_limits_solve_the_equation_of_the_profile(name: str) -> None:
    k, n = np.array(COUNTS[name], float), 30.0
    found = proportion(xr.DataArray(k, dims="device"), "device", out_of=30)
    mean, df = float(np.mean(k) / n), 7.0
    best, rho = by_hand(mean, k, np.full(8, n))
    model = mean * (1 - mean) * (1 + (n - 1) * rho) / (8 * n)
    inflation = max(1.0, np.var(k / n, ddof=1) / 8 / model)
    assert (inflation > 1.3) == (name == "more scatter than the fit")
    assert float(found["intraclass"]) == pytest.approx(rho, rel=0.02, abs=2e-5)
    wanted = 8 * np.log1p(stats.t.ppf(0.975, df) ** 2 / df)
    for end in ("low", "high"):
        value, _ = by_hand(float(found[end]), k, np.full(8, n))
        assert 2 * (best - value) / inflation == pytest.approx(wanted, rel=2e-3)
    assert 0 < float(found["low"]) < mean < float(found["high"]) < 1


def test_a_cell_does_not_see_its_neighbours() -> None:
    rng = np.random.default_rng(4)
    counts = xr.DataArray(rng.binomial(40, rng.beta(0.3, 3.0, size=(5, 12))), dims=("neuron", "device"))
    together = proportion(counts, "device", out_of=40)
    for neuron in range(5):
        alone = proportion(counts.isel(neuron=neuron), "device", out_of=40)
        for name in ("low", "high", "intraclass"):
            np.testing.assert_allclose(together[name][neuron], alone[name], rtol=1e-6)


def test_success_and_failure_are_mirror_images() -> None:
    k = xr.DataArray([0, 3, 1, 0, 9, 2], dims="device")
    one, other = proportion(k, "device", out_of=20), proportion(20 - k, "device", out_of=20)
    np.testing.assert_allclose([one["low"], one["high"]], [1 - other["high"], 1 - other["low"]], rtol=1e-6)


def test_missing_trials_leave_the_profile_to_the_chips_that_are_there() -> None:
    array = outcomes(0.3, devices=8, trials=30, seed=3).astype(float)
    array[2, 10:], array[5] = np.nan, np.nan
    found = proportion(array)
    assert found["attempts"].values.tolist() == [30, 30, 10, 30, 30, 0, 30, 30]
    kept = array.isel(device=[0, 1, 2, 3, 4, 6, 7])
    xr.testing.assert_allclose(found[["mean", "low", "high"]], proportion(kept)[["mean", "low", "high"]], rtol=1e-6)


def test_crossed_outcomes_are_those_of_the_root_that_scatters_with_the_error_of_all() -> None:
    rng = np.random.default_rng(6)
    latent = 1.0 + 1.5 * rng.normal(size=(6, 1)) + 0.3 * rng.normal(size=(1, 50)) + rng.normal(size=(6, 50))
    array = xr.DataArray(latent > 0, dims=("device", "sample"))
    found = proportion(array, ("device", "sample"))
    np.testing.assert_array_equal(found["successes"][:6], array.sum("sample"))
    alone = proportion(array.sum("sample"), "device", out_of=50)
    assert float(found["low"]) <= float(alone["low"]) + 1e-9  # never narrower than the chips alone
    by_sample = xr.DataArray(array.values.T, dims=("device", "sample"))
    again = proportion(by_sample, ("device", "sample"))
    np.testing.assert_allclose([found["low"], found["high"]], [again["low"], again["high"]], rtol=1e-9)


def test_a_thousand_cells_take_seconds() -> None:
    rng = np.random.default_rng(0)
    chance = rng.beta(0.2, 3.0, size=(1000, 20))
    counts = xr.DataArray(rng.binomial(500, chance), dims=("neuron", "device"))
    before = time.process_time()
    proportion(counts, "device", out_of=500)
    assert time.process_time() - before < 20.0  # one second on a free core


def test_a_dimension_called_cluster_may_stay() -> None:
    counts = xr.DataArray(np.arange(12).reshape(2, 6), dims=("cluster", "device"), coords={"cluster": [7, 9]})
    found = proportion(counts, "device", out_of=12)
    assert found["cluster"].values.tolist() == [7, 9]
    assert at_most(found, 0.9).sizes == {"cluster": 2}


def test_clusters_that_agree_too_well_count_no_more_than_their_members() -> None:
    array = xr.DataArray([[0, 1], [1, 0], [0, 1]], dims=("device", "trial"))
    found = proportion(array)
    assert float(found["n_effective"]) == 6.0
    assert float(found["low"]) > 0.0
    assert float(found["df"]) == 2.0


def test_counts_out_of_many_equal_the_outcomes_behind_them() -> None:
    array = outcomes(0.3, devices=6, trials=10, seed=1)
    counts = array.sum("trial")
    xr.testing.assert_allclose(proportion(counts, "device", out_of=10), proportion(array), rtol=1e-12)


def test_missing_outcomes_are_counted() -> None:
    array = outcomes(0.5).astype(float)
    array[0, 0], array[2] = np.nan, np.nan
    found = proportion(array)
    assert int(found["n"]) == 40 - 9
    assert int(found["n_missing"]) == 9
    assert float(found["df"]) == 3.0
    silent = proportion(array * 0)
    assert float(silent["n_effective"]) == 4.0  # chips that are left
    empty = proportion(array * np.nan)
    assert all(np.isnan(empty[name]) for name in ("mean", "low", "high", "n_effective", "df"))
    one = proportion(xr.DataArray([np.nan, np.nan], dims="trial"), "trial")
    assert np.isnan(one["low"])
    assert np.isnan(one["high"])


def test_only_outcomes_are_taken() -> None:
    with pytest.raises(InputError, match="must be 0 or 1"):
        proportion(xr.DataArray([0.0, 0.5], dims="trial"), "trial")
    with pytest.raises(InputError, match=r"whole numbers in 0..10"):
        proportion(xr.DataArray([0, 11], dims="device"), "device", out_of=10)
    with pytest.raises(InputError, match="edge_intraclass: must lie in"):
        proportion(outcomes(0.5), edge_intraclass=1.5)
    with pytest.raises(InputError, match="out_of: must be a whole number >= 1"):
        proportion(outcomes(0.5), out_of=0)


def test_a_claim_on_clustered_outcomes_has_the_limits_of_the_profile_at_its_own_level() -> None:
    array = outcomes(0.2, devices=9, trials=30, seed=2)
    found = proportion(array)
    narrow = proportion(array, confidence=0.9)
    for claim, end in ((at_most, "upper"), (at_least, "lower")):
        for bound in (0.05, 0.15, 0.2, 0.25, 0.4):
            one = claim(found, bound)
            np.testing.assert_allclose([one["lower"], one["upper"]], [narrow["low"], narrow["high"]], rtol=1e-6)
            held = one["upper"] <= bound if end == "upper" else one["lower"] >= bound
            broken = one["lower"] > bound if end == "upper" else one["upper"] < bound
            assert (bool(one["p_reproduced"] <= 0.05), bool(one["p_refuted"] < 0.05)) == (bool(held), bool(broken))
    far = at_most(found, 0.4, confidence=0.999)
    assert float(far["p_reproduced"]) == pytest.approx(float(at_most(found, 0.4)["p_reproduced"]))
    np.testing.assert_allclose(at_most(narrow, 0.3)["upper"], at_most(found, 0.3)["upper"], rtol=1e-6)
    xr.testing.assert_allclose(at_most(array, 0.3, ("device", "trial")), at_most(found, 0.3))  # booleans are outcomes


def test_results_may_be_selected_joined_and_saved_before_a_claim() -> None:
    few = proportion(outcomes(0.2, devices=6, trials=20, seed=1))
    many = proportion(outcomes(0.2, devices=9, trials=20, seed=2))
    both = xr.concat([few, many], dim="design", join="outer")
    claims = at_most(both, 0.3)
    for at, one in enumerate((few, many)):
        np.testing.assert_allclose(claims["upper"][at], at_most(one, 0.3)["upper"], rtol=1e-9)


@pytest.mark.parametrize("hits", [0, 1])
def test_claims_where_all_outcomes_are_alike(hits: int) -> None:
    array = xr.DataArray(np.full((12, 8), bool(hits)), dims=("device", "trial"))
    found = proportion(array)
    assert at_most(found, float(hits))["verdict"].item() == ("undecided" if hits == 0 else "reproduced")
    bound = float(proportion(array, confidence=0.9)["low" if hits else "high"])
    inside, outside = (bound - 0.01, bound + 0.01) if hits else (bound + 0.01, bound - 0.01)
    claim = at_least if hits else at_most
    assert claim(found, inside)["verdict"].item() == "reproduced"
    assert claim(found, outside)["verdict"].item() == "undecided"


def test_the_p_value_at_a_limit_is_what_the_limit_leaves() -> None:
    """Limits and p-values are one statement, solved in two directions."""
    found = proportion(outcomes(0.2, devices=6, trials=30, seed=2))
    for level in (0.9, 0.99):
        one = at_most(found, 0.3, confidence=level)
        upper, lower = float(one["upper"]), float(one["lower"])
        assert float(at_most(found, upper, confidence=level)["p_reproduced"]) == pytest.approx(1 - level, rel=1e-5)
        assert float(at_least(found, lower, confidence=level)["p_reproduced"]) == pytest.approx(1 - level, rel=1e-5)
