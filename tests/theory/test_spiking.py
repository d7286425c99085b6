"""Stochastic firing and counts: hand values, quadrature, moments of known distributions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError


def test_escape_rule():
    hazard = theory.exponential_hazard_hz([-0.2, 0.0, 0.2], at_threshold_hz=50.0, width=0.1)
    assert_allclose(hazard, 50 * np.exp([-2.0, 0.0, 2.0]))
    assert theory.escape_probability(0.0, dt=1.0) == 0
    assert_allclose(theory.escape_probability(50.0, dt=[1e-6, 20.0]), [50e-9, 1 - np.exp(-1)], rtol=1e-6)


def test_dead_time_against_the_interval_density():
    hazard, dead = 80.0, 4.0  # Hz, ms
    density = lambda t: hazard / 1000 * np.exp(-hazard / 1000 * (t - dead))  # noqa: E731
    moments = [integrate.quad(lambda t, k=k: t**k * density(t), dead, np.inf)[0] for k in (1, 2)]
    assert_allclose(theory.dead_time_rate_hz(hazard, dead_time=dead), 1000 / moments[0])
    cv = np.sqrt(moments[1] - moments[0] ** 2) / moments[0]
    assert_allclose(theory.dead_time_cv(hazard, dead_time=dead), cv)


def test_limits_of_dead_time():
    assert theory.dead_time_rate_hz(0.0, dead_time=2.0) == 0
    assert_allclose(theory.dead_time_rate_hz(1e9, dead_time=2.0), 500, rtol=1e-5)
    assert_allclose(theory.dead_time_cv(30.0, dead_time=0.0), 1)
    assert_allclose(theory.dead_time_cv(1e9, dead_time=2.0), 0, atol=1e-5)


def test_dead_time_on_a_grid():
    mean, cv = theory.grid_dead_time_interval(0.2, dead_time=4.0, dt=0.5)
    geometric = stats.geom(0.2)
    assert_allclose(mean, 4 + 0.5 * geometric.mean())
    assert_allclose(cv * mean, 0.5 * geometric.std())
    assert theory.grid_dead_time_interval(1.0, dead_time=4.0, dt=0.5) == (4.5, 0.0)
    # small steps: continuous time
    p = theory.escape_probability(80.0, dt=1e-3)
    mean, cv = theory.grid_dead_time_interval(p, dead_time=4.0, dt=1e-3)
    assert_allclose(1000 / mean, theory.dead_time_rate_hz(80.0, dead_time=4.0), rtol=1e-4)
    assert_allclose(cv, theory.dead_time_cv(80.0, dead_time=4.0), rtol=1e-4)


def test_noisy_threshold_once_and_twice():
    margin, sigma = -0.2, np.array([0.2, 0.3, 0.4])
    once = [theory.threshold_noise_probability(margin, stats.norm(scale=s)) for s in sigma]
    assert_allclose(once, [0.159, 0.253, 0.309], atol=6e-4)
    assert_allclose(theory.double_noise_probability(margin, sigma, sigma), [0.240, 0.319, 0.362], atol=6e-4)
    assert_allclose(theory.double_noise_probability(margin, 0.0, sigma), once)


@pytest.mark.parametrize("state", [0.1, 0.5])
def test_two_noises_are_an_integral_over_the_first(state):
    threshold = stats.norm(scale=0.3)
    inner = lambda x: stats.norm.pdf(x, scale=state) * theory.threshold_noise_probability(-0.2 + x, threshold)  # noqa: E731
    expected = integrate.quad(inner, -10 * state, 10 * state)[0]
    assert_allclose(theory.double_noise_probability(-0.2, state, 0.3), expected, rtol=1e-7)


def test_without_noise_firing_is_a_step():
    assert theory.double_noise_probability([-0.1, 0.0, 0.1], 0.0, 0.0).tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("noise", [stats.norm(scale=0.3), stats.logistic(scale=0.4), stats.uniform(-0.4, 0.8)])
def test_any_symmetric_noise_fires_half_the_time_at_threshold(noise):
    assert_allclose(theory.threshold_noise_probability([-9.0, 0.0, 9.0], noise), [0, 0.5, 1], atol=1e-9)
    odd = theory.threshold_noise_probability(0.17, noise) + theory.threshold_noise_probability(-0.17, noise)
    assert_allclose(odd, 1)


def test_counts_of_gamma_intervals():
    # An ordinary Poisson process of rate 2 r, every second event kept, has gamma intervals of order 2. The stationary
    # count in T: Var = m/2 + 1/8 - exp(-4 m)/8 with m = r T (Cox, 1962).
    rate, duration = 40.0, np.array([100.0, 1000.0])
    m = rate * duration / 1000
    gamma = stats.gamma(2)
    cv, skewness = gamma.std() / gamma.mean(), float(gamma.stats("s"))
    found = theory.renewal_count_variance(duration, rate_hz=rate, cv=cv, skewness=skewness)
    assert_allclose(found, m / 2 + (1 - np.exp(-4 * m)) / 8, rtol=1e-6)
    fano = theory.renewal_count_variance(1e7, rate_hz=rate, cv=cv) / (rate * 1e4)
    assert_allclose(fano, cv**2)


def test_counts_of_a_poisson_process():
    found = theory.renewal_count_variance(500.0, rate_hz=40.0, cv=1.0, skewness=2.0)
    assert_allclose(found, 20.0)


def test_rate_code():
    p = np.array([0.0, 0.3, 1.0])
    assert_allclose(theory.rate_code_variance(p, steps=25), stats.binom(25, p).var() / 25**2)
    assert theory.rate_code_variance(1.0, steps=25) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.escape_probability(-1.0, dt=1.0), r"hazard_hz: must be finite and >= 0 \[Hz\]"),
        (lambda: theory.exponential_hazard_hz(0.0, at_threshold_hz=1.0, width=0.0), "width: must be finite and > 0"),
        (lambda: theory.grid_dead_time_interval(0.0, dead_time=1.0, dt=1.0), "probability: must lie in"),
        (lambda: theory.rate_code_variance(1.2, steps=10), r"probability: must lie in \[0, 1\]"),
        (lambda: theory.double_noise_probability(0.0, -1.0, 0.3), "state_std: must be finite and >= 0"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
