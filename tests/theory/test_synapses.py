"""Shot noise against Campbell's integrals and recursions, release against the dynamics it is the steady state of."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate

from helpers.statistical import assert_mean, assert_variance, negative_control
from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError


def campbell(rate_hz, kernel):
    """Mean and variance of Poisson events seen through ``kernel``, by quadrature."""
    area = integrate.quad(kernel, 0, 800, limit=400)[0]
    energy = integrate.quad(lambda t: kernel(t) ** 2, 0, 800, limit=400)[0]
    return rate_hz / 1000 * area, rate_hz / 1000 * energy


def test_shot_noise_through_the_membrane():
    expected = campbell(300.0, lambda t: 0.2 * np.exp(-t / 20.0))
    assert_allclose(theory.shot_noise_moments(300.0, 0.2, tau_mem=20.0), expected, rtol=1e-8)
    mean, variance = theory.shot_noise_moments(300.0, 0.2, tau_mem=20.0, jump_std=0.2)
    assert_allclose([mean, variance], [expected[0], 2 * expected[1]], rtol=1e-8)  # E J^2 = 2 (E J)^2
    assert theory.shot_noise_moments(0.0, 0.2, tau_mem=20.0) == (0.0, 0.0)


def test_shot_noise_through_synapse_and_membrane():
    tau, syn, resistance, charge = 20.0, 5.0, 3.0, 0.4
    kernel = lambda t: resistance * charge / (tau - syn) * (np.exp(-t / tau) - np.exp(-t / syn))  # noqa: E731
    found = theory.filtered_shot_noise_moments(300.0, charge, tau_mem=tau, tau_syn=syn, resistance=resistance)
    assert_allclose(found, campbell(300.0, kernel), rtol=1e-8)
    fast = theory.filtered_shot_noise_moments(300.0, charge, tau_mem=tau, tau_syn=0.0, resistance=resistance)
    assert_allclose(fast, theory.shot_noise_moments(300.0, resistance * charge / tau, tau_mem=tau))


def test_bernoulli_shot_noise_is_its_recursion_and_tends_to_poisson():
    p, jump, a = 0.3, 0.2, np.exp(-1.0 / 20.0)
    mean, variance = theory.bernoulli_shot_noise_moments(p, jump, tau_mem=20.0, dt=1.0)
    assert_allclose(mean, a * mean + p * jump)
    assert_allclose(variance, a**2 * variance + p * (1 - p) * jump**2)
    assert theory.bernoulli_shot_noise_moments(1.0, jump, tau_mem=20.0, dt=1.0)[1] == 0
    fine = theory.bernoulli_shot_noise_moments(300.0 * 1e-3 / 1000, jump, tau_mem=20.0, dt=1e-3)
    assert_allclose(fine, theory.shot_noise_moments(300.0, jump, tau_mem=20.0), rtol=1e-3)


def test_diffusion_limit_keeps_the_moments():
    drive, sigma = theory.diffusion_limit(300.0, -0.2, tau_mem=20.0)
    mean, variance = theory.shot_noise_moments(300.0, -0.2, tau_mem=20.0)
    assert_allclose(drive, mean)
    assert_allclose(theory.membrane_variance(sigma, tau_mem=20.0), variance)
    # Brunel 2000: sigma^2 = tau J^2 C nu in his convention
    assert_allclose(theory.brunel_sigma(sigma, tau_mem=20.0) ** 2, 20 * 0.04 * 0.3)


def test_published_steady_states():
    _, x = theory.release_steady_state([5.0, 10.0, 20.0, 50.0], use=0.5, tau_rec=800.0)
    assert_allclose(x, [0.3623, 0.2103, 0.1143, 0.0482], atol=6e-5)
    u, x = theory.release_steady_state([5.0, 10.0, 20.0, 50.0], use=0.05, tau_rec=100.0, tau_fac=1000.0)
    assert_allclose(u, [0.225, 0.356, 0.519, 0.727], atol=6e-4)
    assert_allclose(x, [0.966, 0.828, 0.556, 0.234], atol=6e-4)


@pytest.mark.parametrize("tau_fac", [0.0, 300.0])
def test_steady_state_is_where_the_dynamics_ends(tau_fac):
    use, tau_rec, interval = 0.3, 400.0, 50.0
    u, x = use, 1.0
    for _ in range(300):
        x = 1 - (1 - x * (1 - u)) * np.exp(-interval / tau_rec)
        u = use + (u * (1 - use) * np.exp(-interval / tau_fac) if tau_fac else 0.0)
    found = theory.release_steady_state(20.0, use=use, tau_rec=tau_rec, tau_fac=tau_fac)
    assert_allclose(found, (u, x), rtol=1e-12)


def test_extremes_of_release():
    assert_allclose(theory.release_steady_state(1e-6, use=0.4, tau_rec=800.0, tau_fac=500.0), (0.4, 1.0))
    u, x = theory.release_steady_state(1e7, use=0.4, tau_rec=800.0, tau_fac=500.0)
    assert_allclose([u, x], [1.0, 0.0], atol=1e-4)
    assert_allclose(theory.poisson_depression([0.0, 10.0], use=0.5, tau_rec=800.0), [1.0, 0.2])
    assert theory.quantal_release_moments(1.0, 1.0, sites=5) == (5.0, 0.0)
    assert theory.quantal_release_moments(0.5, 0.0, sites=5) == (0.0, 0.0)
    assert_allclose(theory.quantal_release_cv(0.5, sites=5), np.sqrt(0.5 / 2.5))


def test_depression_and_quanta_against_single_sites():
    # Independent release sites, emptied and refilled one by one: under a regular train (every site, every synapse alone)
    # and under a Poisson train, one train per synapse.
    rng = np.random.default_rng(11)
    use, tau_rec, sites, rate = 0.5, 200.0, 4, 20.0
    for regular in (True, False):
        full = np.ones((20_000, sites), bool)
        for _ in range(30):
            pause = 1000 / rate if regular else rng.exponential(1000 / rate, (len(full), 1))
            full |= rng.uniform(size=full.shape) < -np.expm1(-pause / tau_rec)
            available = full.mean(axis=1)
            released = full & (rng.uniform(size=full.shape) < use)
            full &= ~released
        quanta = released.sum(axis=1).astype(float)
        if regular:
            u, x = theory.release_steady_state(rate, use=use, tau_rec=tau_rec)
        else:
            u, x = use, theory.poisson_depression(rate, use=use, tau_rec=tau_rec)
        mean, variance = theory.quantal_release_moments(u, x, sites=sites)
        assert_mean(available, x)
        assert_mean(quanta, mean)
        if regular:  # under random trains the sites of a synapse share their history

            def check(amplitude, quanta=quanta, mean=mean, variance=variance):
                assert_variance(mean + amplitude * (quanta - mean), variance, kurtosis=None)

            check(1.0)
            negative_control(check)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.shot_noise_moments(-1.0, 0.1, tau_mem=20.0), r"rate_hz: must be finite and >= 0 \[Hz\]"),
        (lambda: theory.diffusion_limit(1.0, 0.1, tau_mem=0.0), "time constant: must be finite and > 0"),
        (lambda: theory.release_steady_state(10.0, use=1.5, tau_rec=800.0), r"use: must lie in \[0, 1\]"),
        (lambda: theory.release_steady_state(0.0, use=0.5, tau_rec=800.0), "rate_hz: must be finite and > 0"),
        (lambda: theory.quantal_release_cv(0.5, sites=0), "sites: must be finite and > 0"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
