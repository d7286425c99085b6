"""Noise through weights, against the quadratic form of the covariance."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError

WEIGHTS = np.random.default_rng(0).normal(0.2, 1.0, (5, 30))
D = 0.07


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_weighted_noise_is_a_quadratic_form(fraction):
    covariance = 2 * D * ((1 - fraction) * np.eye(30) + fraction * np.ones((30, 30)))
    expected = np.einsum("ti,ij,tj->t", WEIGHTS, covariance, WEIGHTS)
    assert_allclose(theory.shared_noise_variance(WEIGHTS, D, fraction), expected)


def test_published_forms():
    assert_allclose(theory.independent_noise_variance(WEIGHTS, D), 2 * D * 30 * (WEIGHTS**2).mean(axis=1))
    assert_allclose(theory.common_noise_variance(WEIGHTS, D), 2 * D * 30**2 * WEIGHTS.mean(axis=1) ** 2)
    assert theory.common_noise_variance(np.ones(7), D) == pytest.approx(
        7 * theory.independent_noise_variance(np.ones(7), D)
    )


def test_common_noise_is_the_smaller_one_where_the_mean_weight_is_small():
    better = theory.common_noise_variance(WEIGHTS, D) < theory.independent_noise_variance(WEIGHTS, D)
    small = np.abs(WEIGHTS.mean(axis=1)) < np.sqrt((WEIGHTS**2).mean(axis=1) / 30)
    np.testing.assert_array_equal(better, small)
    assert 0 < better.sum() < 5
    assert theory.common_noise_variance([1.0, -1.0], D) == 0


def test_averaging():
    sizes = np.array([1, 2, 3, 4, 5, 6, 8, 16])
    reduction = 100 * (1 - theory.averaging_factor(sizes))
    assert_allclose(reduction, [0, 29, 42, 50, 55, 59, 65, 75], atol=0.5)
    for rho in (-0.1, 0.0, 0.4, 1.0):
        covariance = (1 - rho) * np.eye(6) + rho
        assert_allclose(theory.averaging_factor(6, rho), np.sqrt(np.full(6, 1 / 6) @ covariance @ np.full(6, 1 / 6)))
    assert theory.averaging_factor(6, -0.2) == pytest.approx(0, abs=1e-8)  # the least that six can have
    assert_allclose(theory.averaging_factor(1e9, 0.25), 0.5, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.shared_noise_variance(WEIGHTS, D, 1.5), r"fraction: must lie in \[0, 1\]"),
        (lambda: theory.common_noise_variance(WEIGHTS, -1.0), "intensity: must be finite and >= 0"),
        (lambda: theory.averaging_factor(4, -0.5), r"correlation: must be at least -1/\(size - 1\)"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
