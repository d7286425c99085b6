"""Means and their errors: extremes, loops, missing members, unbiasedness. Coverage has its own file."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise.reduce import mean_and_error, variance_components


def test_members_that_are_all_alike_have_no_error() -> None:
    found = mean_and_error(xr.DataArray(np.full((2, 3, 4), 7.0), dims=("sigma", "device", "trial")))
    for name in ("mean", "low", "high"):
        np.testing.assert_array_equal(found[name], [7.0, 7.0])
    np.testing.assert_array_equal(found["standard_error"], [0.0, 0.0])
    np.testing.assert_array_equal(found["df"], [2.0, 2.0])


def test_scatter_inside_devices_only_is_invisible_to_the_device_means() -> None:
    found = mean_and_error(xr.DataArray([[0.0, 2.0], [2.0, 0.0]], dims=("device", "trial")))
    assert float(found["mean"]) == 1.0
    assert float(found["standard_error"]) == 0.0


def test_one_root_is_the_students_t_interval_of_the_device_means() -> None:
    x = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
    found = mean_and_error(xr.DataArray(x, dims=("device", "trial")), confidence=0.9)
    means = np.array([sum(float(v) for v in device) / 3 for device in x])
    error = means.std(ddof=1) / np.sqrt(6)
    np.testing.assert_allclose(found["mean"], means.mean(), rtol=1e-12)
    np.testing.assert_allclose(found["standard_error"], error, rtol=1e-12)
    low, high = stats.t.interval(0.9, 5, means.mean(), error)
    np.testing.assert_allclose([found["low"], found["high"]], [low, high], rtol=1e-10)
    assert float(found["df"]) == 5.0


def two_way_by_loops(y: np.ndarray) -> tuple[float, float]:
    """Variance of the mean and Satterthwaite's df of a complete two-way table, by sums over entries."""
    a, b = y.shape
    mean = sum(y[i, j] for i, j in product(range(a), range(b))) / (a * b)
    row = [sum(y[i, j] for j in range(b)) / b for i in range(a)]
    column = [sum(y[i, j] for i in range(a)) / a for j in range(b)]
    ms_a = b * sum((r - mean) ** 2 for r in row) / (a - 1)
    ms_b = a * sum((c - mean) ** 2 for c in column) / (b - 1)
    residuals = sum((y[i, j] - row[i] - column[j] + mean) ** 2 for i, j in product(range(a), range(b)))
    ms_ab = residuals / ((a - 1) * (b - 1))
    terms = [(ms_ab, (a - 1) * (b - 1), 1.0)]
    for ms, df in ((ms_a, a - 1), (ms_b, b - 1)):
        if ms > ms_ab:
            terms = [(ms, df, 1.0), *terms[:-1], (*terms[-1][:2], terms[-1][2] - 1.0)]
    total = sum(c * ms for ms, _, c in terms)
    return total / (a * b), total**2 / sum((c * ms) ** 2 / df for ms, df, c in terms)


@pytest.mark.parametrize(("rows", "columns"), [(1.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_two_crossed_roots_agree_with_a_loop_over_entries(rows: float, columns: float) -> None:
    rng = np.random.default_rng(2)
    y = rng.normal(size=(20, 5, 7)) + rows * rng.normal(size=(20, 5, 1)) + columns * rng.normal(size=(20, 1, 7))
    found = mean_and_error(xr.DataArray(y, dims=("cell", "sample", "trial")), ("sample", "trial"))
    wanted = np.array([two_way_by_loops(table) for table in y])
    np.testing.assert_allclose(found["standard_error"] ** 2, wanted[:, 0], rtol=1e-10)
    np.testing.assert_allclose(found["df"], wanted[:, 1], rtol=1e-10)


def test_the_error_is_never_below_the_largest_one_way_clustered_one() -> None:
    rng = np.random.default_rng(3)
    array = xr.DataArray(rng.normal(size=(200, 4, 6, 3)), dims=("cell", "seed", "device", "sample"))
    roots = ("seed", "device", "sample")
    both = mean_and_error(array, roots)["standard_error"]
    for root in roots:
        others = [name for name in roots if name != root]
        assert bool((both >= mean_and_error(array.mean(others), root)["standard_error"] * (1 - 1e-12)).all())


COMPONENTS = {
    "sample": 1.5,
    "device": 2.0,
    "sample:device": 1.0,
    "device:trial": 0.8,
    "sample:device:trial": 0.6,
}
SIZES = {"sample": 8, "device": 8, "trial": 5}


def crossed_and_nested(replicates: int, amplitude: float = 1.0, seed: int = 4) -> xr.DataArray:
    """Samples crossed with trials nested in devices, with a random effect for every set that can carry one."""
    rng = np.random.default_rng(seed)
    y = np.zeros((replicates, *SIZES.values()))
    for name, sigma in COMPONENTS.items():
        shape = [size if dim in name.split(":") else 1 for dim, size in SIZES.items()]
        y = y + amplitude * sigma * rng.normal(size=(replicates, *shape))
    return xr.DataArray(y, dims=("replicate", *SIZES))


def test_variance_components_and_the_squared_error_are_unbiased() -> None:
    array = crossed_and_nested(4000)
    found = variance_components(array, tuple(SIZES))
    error = mean_and_error(array, tuple(SIZES))["standard_error"].to_numpy() ** 2
    assert list(found["component"].values) == list(COMPONENTS)

    def check(amplitude: float) -> None:
        truth = {name: (amplitude * sigma) ** 2 for name, sigma in COMPONENTS.items()}
        clusters = {name: np.prod([SIZES[dim] for dim in name.split(":")]) for name in COMPONENTS}
        for name in ("sample:device:trial", "device:trial", "sample:device"):  # hardly ever cut off at zero
            assert_mean(found["variance"].sel(component=name).to_numpy(), truth[name])
        assert_mean(error, sum(truth[name] / clusters[name] for name in COMPONENTS))

    check(1.0)
    negative_control(check)


def test_components_of_devices_and_trials_follow_the_textbook() -> None:
    y = np.random.default_rng(5).normal(size=(6, 4)) + np.arange(6.0)[:, None]
    found = variance_components(xr.DataArray(y, dims=("device", "trial")))
    within = np.mean([device.var(ddof=1) for device in y])
    between = y.mean(axis=1).var(ddof=1) - within / 4
    np.testing.assert_allclose(found["variance"], [between, within], rtol=1e-12)
    rho = between / (between + within)
    np.testing.assert_allclose(found["intraclass"], [rho, 1.0], rtol=1e-12)
    np.testing.assert_allclose(found["design_effect"], 1 + (4 - 1) * rho, rtol=1e-12)


def test_components_of_a_cell_with_a_missing_member_are_refused() -> None:
    y = xr.DataArray(np.random.default_rng(6).normal(size=(2, 3, 4)), dims=("sigma", "device", "trial"))
    y[0, 1, 1] = np.nan
    found = variance_components(y)
    assert np.isnan(found["variance"].sel(sigma=0)).all()
    assert np.isnan(found["design_effect"].sel(sigma=0))
    assert np.isfinite(found["variance"].sel(sigma=1)).all()
    np.testing.assert_array_equal(found["n_missing"], [1, 0])


def test_missing_members_are_counted_and_the_mean_is_over_the_others() -> None:
    y = xr.DataArray([[1.0, np.nan], [3.0, 5.0], [np.inf, np.nan]], dims=("device", "trial"))
    found = mean_and_error(y)
    assert int(found["n"]) == 3
    assert int(found["n_missing"]) == 3
    assert float(found["mean"]) == 2.5  # of the device means 1 and 4, each with equal weight
    np.testing.assert_allclose(found["standard_error"], np.std([1.0, 4.0], ddof=1) / np.sqrt(2), rtol=1e-12)
    assert float(found["df"]) == 1.0


def test_where_too_few_clusters_are_left_the_error_is_undefined_and_the_mean_is_not() -> None:
    y = xr.DataArray([[[1.0, 2.0], [np.nan] * 2], [[np.nan] * 2] * 2], dims=("sigma", "device", "trial"))
    found = mean_and_error(y)
    np.testing.assert_array_equal(found["mean"], [1.5, np.nan])
    for name in ("standard_error", "low", "high", "df"):
        assert np.isnan(found[name]).all()
    np.testing.assert_array_equal(found["n_missing"], [2, 4])


def test_booleans_and_integers_are_averaged_as_numbers() -> None:
    y = np.random.default_rng(7).integers(0, 2, size=(4, 5))
    wanted = mean_and_error(xr.DataArray(y.astype(float), dims=("device", "trial")))
    for other in (y.astype(bool), y.astype(np.int8)):
        xr.testing.assert_equal(mean_and_error(xr.DataArray(other, dims=("device", "trial"))), wanted)


def test_scaling_and_shifting_the_unit_scales_and_shifts_the_result() -> None:
    array = crossed_and_nested(3)
    plain, other = (mean_and_error(a, tuple(SIZES)) for a in (array, 1000.0 * array + 5.0))
    np.testing.assert_allclose(other["mean"], 1000 * plain["mean"] + 5, rtol=1e-9)
    np.testing.assert_allclose(other["standard_error"], 1000 * plain["standard_error"], rtol=1e-9)
    np.testing.assert_allclose(other["df"], plain["df"], rtol=1e-9)


def test_skewness_is_that_of_the_cluster_means_of_the_most_skewed_root() -> None:
    rng = np.random.default_rng(3)
    values = rng.exponential(size=(7, 1)) * 3 + rng.normal(size=(7, 9)) * 0.1
    array = xr.DataArray(values, dims=("device", "sample"))
    wanted = [stats.skew(array.mean(other).values) for other in ("sample", "device")]
    found = mean_and_error(array, ("device", "sample"))
    assert float(found["skewness"]) == pytest.approx(max(wanted, key=abs))
    nested = mean_and_error(array.rename(sample="trial"))
    assert float(nested["skewness"]) == pytest.approx(wanted[0])
    gone = array.where(array["device"] != 2)
    assert float(mean_and_error(gone.rename(sample="trial"))["skewness"]) == pytest.approx(
        stats.skew(np.delete(values.mean(axis=1), 2))
    )
    for flat in (array * 0 + 5.0, array.isel(device=[0, 1])):
        assert np.isnan(mean_and_error(flat.rename(sample="trial"))["skewness"])
