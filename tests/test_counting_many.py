"""The binomial quantile of any number of trials, against SciPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxsnn_noise.counting import LAST_UNIFORM, binomial, binomial_of_many

CASES = [
    (5, 0.3),
    (20, 0.35),
    (30, 0.5),
    (16, 0.5),
    (1000, 0.0069),
    (1000, 0.0071),
    (1000, 0.98),
    (3000, 0.01),
    (1, 0.99),
    (0, 0.5),
    (100_000, 7e-5),
]
QUANTILE = jax.jit(binomial_of_many)


def test_it_is_the_quantile_but_for_one_value_in_300_which_is_off_by_one() -> None:
    u = (np.arange(1 << 16) + np.float32(0.5)) / np.float32(1 << 16)
    for n, p in CASES:
        found = np.asarray(QUANTILE(jnp.asarray(u), jnp.float32(n), jnp.float32(p)), np.float64)
        exact = stats.binom.ppf(u.astype(np.float64), n, float(np.float32(p)))
        assert np.abs(found - exact).max() <= 1, (n, p)
        assert np.mean(found != exact) < 1 / 250, (n, p)
        assert abs(found.mean() - exact.mean()) < 1e-3 * max(1.0, np.sqrt(n * p)), (n, p)
        assert abs(found.var() - exact.var()) <= 4e-4 * exact.var(), (n, p)


def test_the_largest_uniform_gives_no_more_than_its_quantile_and_some() -> None:
    """Where rounding leaves the distribution function below one, counting ends with the last term that moved it."""
    for n, p in CASES:
        found = float(QUANTILE(jnp.float32(LAST_UNIFORM), jnp.float32(n), jnp.float32(p)))
        assert abs(found - stats.binom.ppf(float(LAST_UNIFORM), n, p)) <= 3, (n, p)


@pytest.mark.parametrize(("n", "p"), [(32, 0.3), (64, 0.3), (120, 0.7)])
def test_of_few_trials_neither(n: int, p: float) -> None:
    """Summing on to the last trial, where rounding leaves the function below the largest uniform, gave all of them."""
    found = float(binomial(jnp.float32(LAST_UNIFORM), jnp.float32(n), jnp.float32(p)))
    assert abs(found - stats.binom.ppf(float(LAST_UNIFORM), n, p)) <= 3


def test_its_slope_is_that_of_the_mean() -> None:
    slope = jax.grad(lambda p: binomial_of_many(jnp.float32(0.4), jnp.float32(50.0), p))(jnp.float32(0.3))
    assert float(slope) == 50.0
