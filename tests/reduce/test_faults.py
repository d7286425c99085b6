"""Classes of sites by hand, and sets of samples against all there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from jaxsnn_noise import reduce
from jaxsnn_noise._checks import InputError

RIGHT = xr.DataArray([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], dims="sample")


def with_wrong(*places, of=RIGHT):
    values = of.values.copy()
    values[list(places)] = 9
    return values


def test_sites_are_classed_by_their_thresholds():
    nominal = xr.DataArray(with_wrong(9), dims="sample")  # 9 of 10 are right
    rows = [with_wrong(9), with_wrong(0, 9), with_wrong(0, 1, 2, 9), RIGHT.values, with_wrong(0, 1, 9)]
    found = reduce.classify_sites(xr.DataArray(rows, dims=("site", "sample")), nominal, RIGHT.values, critical=0.2)
    assert found["kind"].values.tolist() == ["masked", "tolerable", "critical", "tolerable", "tolerable"]
    np.testing.assert_allclose(found["loss"], [0, 0.1, 0.3, -0.1, 0.2], atol=1e-12)
    np.testing.assert_allclose(found["changed"], [0, 0.1, 0.3, 0.1, 0.2], atol=1e-12)
    assert found.attrs == {"critical": 0.2, "masked": 0.0, "samples": 10}
    looser = reduce.classify_sites(
        xr.DataArray(rows, dims=("site", "sample")), nominal, RIGHT.values, critical=0.0, masked=0.1
    )
    assert looser["kind"].values.tolist() == ["masked", "critical", "critical", "masked", "critical"]


def smallest(seen):
    needed = seen[seen.any(axis=1)]
    for k in range(seen.shape[1] + 1):
        if any(needed[:, list(some)].any(axis=1).all() for some in itertools.combinations(range(seen.shape[1]), k)):
            return k
    raise AssertionError


@pytest.mark.parametrize("seed", range(6))
def test_samples_detect_all_that_can_be_and_the_exact_set_is_a_smallest_one(seed):
    rng = np.random.default_rng(seed)
    seen = rng.random((25, 9)) < 0.25
    seen[3] = False
    array = xr.DataArray(seen, dims=("site", "sample"))
    greedy, exact = reduce.detecting_samples(array), reduce.detecting_samples(array, exact=True)
    best, can = smallest(seen), seen.any(axis=1)
    for found in (greedy, exact):
        assert seen[:, found["sample"].values].any(axis=1)[can].all()
        assert found["detected"].values[-1] == can.sum() == found.attrs["faults"] - found.attrs["undetectable"]
        assert found.attrs["at_least"] <= best
    assert exact.sizes["order"] == best
    assert best <= greedy.sizes["order"] <= greedy.attrs["factor"] * best
    assert np.all(np.diff(np.concatenate([[0], greedy["detected"]])) > 0)


def test_greedy_is_not_always_smallest_and_the_bound_says_so():
    """Two samples detect all six faults; greedy takes the one that detects four, and then needs two more."""
    seen = np.zeros((6, 3), bool)
    seen[:3, 0] = seen[3:, 1] = True
    seen[[0, 1, 3, 4], 2] = True
    array = xr.DataArray(seen, dims=("site", "sample"))
    greedy = reduce.detecting_samples(array)
    assert greedy["sample"].values.tolist() == [2, 0, 1]
    assert greedy.attrs["at_least"] == 2
    assert reduce.detecting_samples(array.T, exact=True)["sample"].values.tolist() == [0, 1]


def test_no_fault_needs_no_sample():
    found = reduce.detecting_samples(xr.DataArray(np.zeros((2, 4), bool), dims=("site", "sample")))
    assert found.sizes["order"] == 0
    assert found.attrs["undetectable"] == 2
    empty = reduce.detecting_samples(xr.DataArray(np.zeros((0, 4), bool), dims=("site", "sample")), exact=True)
    assert empty.sizes["order"] == 0
    assert empty.attrs["at_least"] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: reduce.classify_sites(a, RIGHT, RIGHT.values, critical=1.5), r"critical: must lie in \[0, 1\]"),
        (lambda a: reduce.classify_sites(a, RIGHT, RIGHT.values[:3], critical=0.1), "labels: must be as many as there are samples, 10"),
        (lambda a: reduce.classify_sites(a.rename(sample="image"), RIGHT, RIGHT.values, critical=0.1), "answers: must be an array with the dimension 'sample'"),
        (lambda a: reduce.detecting_samples(a * 0.5), "changed: must be true or false"),
        (lambda a: reduce.detecting_samples(a.isel(site=0)), r"changed: must be an array \[site, sample\]"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call(xr.DataArray(np.ones((2, 10)), dims=("site", "sample")))
