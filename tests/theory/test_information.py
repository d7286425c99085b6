"""The information of an array of threshold units, against a closed form and a sum over all its states."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError


@pytest.mark.parametrize("units", [1, 2, 7, 15, 63])
def test_noise_as_large_as_the_signal_makes_the_number_uniform(units: int) -> None:
    """Stocks (2000): ``log2(N + 1) - N/(2 ln 2) - sum_n (N + 1 - 2n) log2(n)/(N + 1)``."""
    n = np.arange(2, units + 1)
    exact = np.log2(units + 1) - units / (2 * np.log(2)) - np.sum((units + 1 - 2 * n) * np.log2(n)) / (units + 1)
    assert_allclose(theory.threshold_array_information(units, 1.0), exact, atol=2e-5)


def test_it_is_that_of_all_states_of_three_units() -> None:
    from scipy import special, stats

    x, weight = special.roots_hermitenorm(200)
    weight, noise = weight / weight.sum(), 0.7
    p = stats.norm.cdf(x / noise)
    joint = np.zeros((4, x.size))
    for state in itertools.product((0, 1), repeat=3):
        joint[sum(state)] += weight * np.prod([p if one else 1 - p for one in state], axis=0)
    apart = joint.sum(1, keepdims=True) * joint.sum(0)
    exact = special.xlogy(joint, np.where(joint > 0, joint / np.where(apart > 0, apart, 1), 1)).sum() / np.log(2)
    assert_allclose(theory.threshold_array_information(3, noise), exact, atol=2e-5)
    assert abs(theory.threshold_array_information(3, 0.8 * noise) - exact) > 0.01


def test_without_noise_it_is_one_bit_and_some_noise_is_best() -> None:
    found = theory.threshold_array_information([[1], [15]], [0.0, 0.02, 0.25, 0.5, 3.0])
    assert_allclose(found[:, 0], 1.0, atol=1e-9)
    assert found[0].argmax() == 0  # a single unit is best without
    assert 0 < found[1].argmax() < 4
    assert found.shape == (2, 5)


def test_units_are_whole_and_noise_is_not_negative() -> None:
    for bad in (0, 2.5, -1):
        with pytest.raises(InputError, match=r"^units: must be"):
            theory.threshold_array_information(bad, 1.0)
    with pytest.raises(InputError, match=r"^relative_noise: must be"):
        theory.threshold_array_information(3, -0.1)
