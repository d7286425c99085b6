from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.reduce import mean_and_error, paired_contrast


def sweep(own: float, seed: int = 0) -> xr.DataArray:
    """Three values of sigma on shared members, each with noise of its own."""
    rng = np.random.default_rng(seed)
    shared, extra = rng.normal(size=(1, 6, 5)), own * rng.normal(size=(3, 6, 5))
    sigma = np.array([0.0, 0.1, 0.2], np.float32)
    values = shared + extra + sigma[:, None, None]
    return xr.DataArray(values, dims=("sigma", "device", "trial"), coords={"sigma": sigma})


def test_members_that_move_together_have_an_exact_contrast() -> None:
    found = paired_contrast(sweep(own=0.0), "sigma", 0.0)
    np.testing.assert_allclose(found["mean"], [0.1, 0.2], atol=1e-7)
    assert (found["standard_error"] < 1e-15).all()
    np.testing.assert_allclose(found["correlation"], 1.0, rtol=1e-12)
    assert (found["variance_reduction"] > 1e12).all()


def test_the_contrast_is_that_of_a_loop_over_device_means() -> None:
    array = sweep(own=0.5)
    found = paired_contrast(array, "sigma", 0.1)  # not exactly representable in the float32 labels
    np.testing.assert_array_equal(found["sigma"], np.array([0.0, 0.2], np.float32))
    means = array.to_numpy().mean(axis=2)
    for at, row in enumerate((0, 2)):
        x, y = means[row], means[1]
        difference = np.array([a - b for a, b in zip(x, y, strict=True)])
        here = found.isel(sigma=at)
        np.testing.assert_allclose(here["mean"], difference.mean(), rtol=1e-10)
        np.testing.assert_allclose(here["standard_error"], difference.std(ddof=1) / np.sqrt(6), rtol=1e-10)
        np.testing.assert_allclose(here["correlation"], np.corrcoef(x, y)[0, 1], rtol=1e-10)
        reduction = (x.var(ddof=1) + y.var(ddof=1)) / difference.var(ddof=1)
        np.testing.assert_allclose(here["variance_reduction"], reduction, rtol=1e-10)
    assert (found["df"] == 5).all()


def test_the_correlation_is_that_of_the_shared_part() -> None:
    """Half of the variance is shared: correlation 1/2, and pairing is worth a factor of 2."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(2, 4000)) + rng.normal(size=(1, 4000))
    array = xr.DataArray(values, dims=("case", "device"), coords={"case": ["a", "b"]})
    found = paired_contrast(array, "case", "a", "device")
    assert list(found["case"].values) == ["b"]

    def check(amplitude: float) -> None:
        fisher = np.arctanh(amplitude * found["correlation"].to_numpy())
        assert_mean((fisher, 1 / np.sqrt(4000 - 3)), np.arctanh(0.5))
        half = 1 - 1 / (amplitude * found["variance_reduction"].to_numpy())
        assert_mean((np.arctanh(half), 1 / np.sqrt(4000 - 3)), np.arctanh(0.5))

    check(1.0)
    negative_control(check)


def test_a_pair_with_one_member_missing_is_missing() -> None:
    array = sweep(own=0.5)
    array[0, 2, 3] = np.nan
    array[1, 4, 0] = np.inf
    found = paired_contrast(array, "sigma", 0.0)
    np.testing.assert_array_equal(found["n_missing"], [2, 1])
    np.testing.assert_array_equal(found["n"], [28, 29])
    assert np.isfinite(found["correlation"]).all()
    difference = (array.isel(sigma=2) - array.isel(sigma=0)).where(np.isfinite(array.isel(sigma=0)))
    np.testing.assert_allclose(found["mean"][1], mean_and_error(difference)["mean"], rtol=1e-12)


def test_crossed_contrasts_and_other_dimensions_keep_their_labels() -> None:
    rng = np.random.default_rng(2)
    array = xr.DataArray(
        rng.normal(size=(4, 3, 2, 5)),
        dims=("device", "case", "neuron", "sample"),
        coords={"case": list("abc"), "neuron": [7, 9]},
        attrs={"units": "Hz"},
    )
    found = paired_contrast(array, "case", "b", ("device", "sample"))
    assert found["mean"].dims == ("case", "neuron")
    assert found["mean"].attrs == {"units": "Hz"}
    assert list(found["case"].values) == ["a", "c"]
    assert (abs(found["correlation"]) <= 1).all()
    wanted = mean_and_error(array.sel(case="c") - array.sel(case="b"), ("device", "sample"))
    np.testing.assert_allclose(found["standard_error"].sel(case="c"), wanted["standard_error"], rtol=1e-10)


def test_wrong_references_and_dimensions_are_named() -> None:
    array = sweep(own=0.5)
    with pytest.raises(InputError, match=r"reference: must be one label of dimension 'sigma'; got 0.3"):
        paired_contrast(array, "sigma", 0.3)
    with pytest.raises(InputError, match=r"dim: unknown dimension; got 'sigmas'. Did you mean 'sigma'"):
        paired_contrast(array, "sigmas", 0.0)
    with pytest.raises(InputError, match="must not hold the paired dimension"):
        paired_contrast(array, "device", 0, ("device", "trial"))
    with pytest.raises(InputError, match="needs another label"):
        paired_contrast(array.isel(sigma=[0]), "sigma", 0.0)
    with pytest.raises(InputError, match=r"must be a position 0..2"):
        paired_contrast(array.drop_vars("sigma"), "sigma", 3)
    assert paired_contrast(array.drop_vars("sigma"), "sigma", 0).sizes["sigma"] == 2


def test_a_pair_with_a_missing_member_counts_for_neither_side() -> None:
    """Correlation and reduction are those of the pairs that are whole."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(2, 9)) + rng.normal(size=9)
    values[1, 2], values[0, 5] = np.nan, np.nan
    found = paired_contrast(xr.DataArray(values, dims=("case", "device")), "case", 0, "device").isel(case=0)
    second, first = values[:, ~np.isnan(values).any(axis=0)]
    assert (int(found["n"]), int(found["n_missing"])) == (7, 2)
    np.testing.assert_allclose(found["mean"], (first - second).mean(), rtol=1e-12)
    np.testing.assert_allclose(found["correlation"], np.corrcoef(first, second)[0, 1], rtol=1e-10)
    reduction = (first.var(ddof=1) + second.var(ddof=1)) / (first - second).var(ddof=1)
    np.testing.assert_allclose(found["variance_reduction"], reduction, rtol=1e-10)
