"""Pseudo-values of the jackknife."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from jaxsnn_noise import InputError, reduce


def test_they_take_out_the_bias_and_have_the_error_of_the_estimate() -> None:
    rng = np.random.default_rng(0)
    blocks = xr.Dataset({"x": (("study", "block"), rng.normal(2.0, 1.0, (4000, 8)))})
    found = reduce.pseudovalues(blocks, lambda part: part["x"] ** 2)
    estimates = found.mean("block").values
    assert abs(estimates.mean() - 4.0) < 4 * estimates.std() / 4000**0.5
    assert (blocks["x"].mean("block").values ** 2).mean() > 4.0 + 1 / 16  # the plain one is 1/8 too large
    errors = found.var("block", ddof=1).values / 8
    assert abs(errors.mean() / estimates.var() - 1) < 0.1


def test_sums_serve_as_means_where_a_common_factor_drops_out() -> None:
    sums = xr.Dataset({"spikes": ("block", [3.0, 5.0, 10.0]), "time": ("block", [1.0, 2.0, 3.0])})
    found = reduce.pseudovalues(sums, lambda part: part["spikes"] / part["time"])
    whole, without = 18 / 6, np.array([15 / 5, 13 / 4, 8 / 3])
    np.testing.assert_allclose(found, 3 * whole - 2 * without, rtol=1e-14)
    np.testing.assert_allclose(
        found, reduce.pseudovalues(sums / 3, lambda part: part["spikes"] / part["time"]), rtol=1e-14
    )


def test_what_is_no_blocks_is_refused() -> None:
    one = xr.Dataset({"x": ("block", [1.0])})
    for parts, over in ((one, "block"), (one, "trial"), (np.zeros(3), "block")):
        with pytest.raises(InputError, match=r"reduce\.pseudovalues: needs a dataset|reduce\.pseudovalues needs"):
            reduce.pseudovalues(parts, lambda part: part["x"], over)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="must be a function"):
        reduce.pseudovalues(one, 3)  # type: ignore[arg-type]
