from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import optimize, stats

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.reduce import mean_and_error, proportion


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
    for rho, effective in ((0.0, 40.0), (0.5, 40 / 4.5), (1.0, 5.0)):
        found = proportion(array, edge_intraclass=rho)
        np.testing.assert_allclose(found["n_effective"], effective, rtol=1e-12)
        assert float(found["mean"]) == float(hits) == float(found["high" if hits else "low"])
        widths.append(float(found["high"] - found["low"]))
    assert 0 < widths[0] < widths[1] < widths[2] < 1
    assert float(proportion(array)["n_effective"]) == 5.0  # the default is the widest


def test_clustered_limits_solve_the_score_equation() -> None:
    array = outcomes(0.4)
    found = proportion(array)
    plain = mean_and_error(array)
    p, variance = float(plain["mean"]), float(plain["standard_error"]) ** 2
    n = min(40.0, p * (1 - p) / variance)
    c = stats.t.ppf(0.975, 4)
    np.testing.assert_allclose(found["n_effective"], n, rtol=1e-12)
    for name, side in (("low", (1e-9, p)), ("high", (p, 1 - 1e-9))):
        root = optimize.brentq(lambda q: (p - q) ** 2 - c**2 * q * (1 - q) / n, *side)
        np.testing.assert_allclose(found[name], root, atol=1e-9)


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
