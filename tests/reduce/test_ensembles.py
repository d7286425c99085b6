"""Ensembles of chips by hand: means, votes, groups; and the spread that averaging leaves."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from helpers.statistical import assert_variance, negative_control
from jaxsnn_noise import reduce
from jaxsnn_noise._checks import InputError

RNG = np.random.default_rng(0)
CHIPS = xr.DataArray(RNG.normal(size=(5, 7, 3)), dims=("sample", "device", "class"), coords={"device": np.arange(7)})


def test_means_and_votes_are_those_of_groups_in_order():
    mean = reduce.ensembled(CHIPS, "class", copies=3)
    assert mean.dims == ("sample", "ensemble", "class")
    np.testing.assert_allclose(mean[:, 1], CHIPS.values[:, 3:6].mean(1))
    assert mean.sizes["ensemble"] == 2
    assert mean.attrs == {"copies": 3, "area": 3}
    votes = reduce.ensembled(CHIPS, "class", copies=3, vote=True)
    for sample in range(5):
        best = CHIPS.values[sample, :3].argmax(-1)
        np.testing.assert_allclose(votes[sample, 0], np.bincount(best, minlength=3) / 3)
    np.testing.assert_array_equal(reduce.ensembled(CHIPS, "class", copies=1), CHIPS)


def test_the_spread_of_a_mean_of_independent_chips_falls_with_the_root_of_their_number():
    chips = xr.DataArray(RNG.normal(size=(4000, 1)), dims=("device", "class"))

    def check(amplitude):
        assert_variance(amplitude * reduce.ensembled(chips, "class", copies=4).values[:, 0], 0.25)

    check(1.0)
    negative_control(check)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reduce.ensembled(CHIPS, "class", copies=8), "copies: must be at most the number of chips, 7"),
        (lambda: reduce.ensembled(CHIPS, "classes", copies=2), "outputs: must be an array with the dimensions"),
        (lambda: reduce.ensembled(CHIPS, "class", copies=0), "copies: must be a whole number >= 1"),
    ],
)
def test_what_is_no_ensemble_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
