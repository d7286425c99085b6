"""The free membrane: closed forms against discrete Lyapunov equations, quadrature and limits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, linalg

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError

TAU, DT = 20.0, np.array([0.1, 1.0, 5.0])


def stationary_variance(transition, noise):
    """First entry of the covariance of ``x <- A x + e``, solved as a linear equation."""
    return linalg.solve_discrete_lyapunov(np.array(transition), np.array(noise))[0, 0]


def test_conventions_of_sigma_agree():
    sigma = theory.diffusion_sigma(0.4, tau_mem=TAU)
    assert_allclose(theory.brunel_sigma(sigma, tau_mem=TAU), 0.4)
    assert_allclose(theory.membrane_variance(sigma, tau_mem=TAU), 0.4**2 / 2)
    # sigma = 0.1 with tau 20 is not a tenth of the threshold but 0.316 mV
    assert_allclose(np.sqrt(theory.membrane_variance(0.1, tau_mem=TAU)), 0.1 * np.sqrt(10), rtol=1e-12)


def test_silence_and_start():
    assert theory.membrane_variance(0.0, tau_mem=TAU) == 0.0
    assert theory.membrane_variance(0.3, tau_mem=TAU, time=0.0) == 0.0
    assert theory.membrane_mean(0.0, 0.7, tau_mem=TAU, mean=1.1) == 0.7
    assert_allclose(theory.membrane_mean(1e4, 0.7, tau_mem=TAU, mean=1.1), 1.1)


def test_transient_solves_its_differential_equations():
    time, h = np.array([1.0, 10.0, 50.0]), 1e-4
    for moment, slope in (
        (lambda t: theory.membrane_mean(t, 0.2, tau_mem=TAU, mean=1.1), lambda m: (1.1 - m) / TAU),
        (lambda t: theory.membrane_variance(0.3, tau_mem=TAU, time=t), lambda v: 0.09 - 2 * v / TAU),
    ):
        assert_allclose((moment(time + h) - moment(time - h)) / (2 * h), slope(moment(time)), rtol=1e-7)


def test_exact_step_keeps_the_variance_for_any_dt():
    step = theory.step_std(0.3, tau_mem=TAU, dt=DT)
    assert_allclose(theory.per_step_variance(step, tau_mem=TAU, dt=DT), theory.membrane_variance(0.3, tau_mem=TAU))
    assert_allclose(step, np.sqrt(theory.membrane_variance(0.3, tau_mem=TAU, time=DT)))
    assert_allclose(theory.step_std(0.3, tau_mem=TAU, dt=1e-6), 0.3 * np.sqrt(1e-6), rtol=1e-6)


def test_autocovariance_starts_at_the_variance_and_integrates_to_the_average():
    lag = np.array([-5.0, 0.0, 5.0, 40.0])
    values = theory.membrane_autocovariance(lag, 0.3, tau_mem=TAU)
    assert_allclose(values[1], theory.membrane_variance(0.3, tau_mem=TAU))
    assert_allclose(values, theory.membrane_variance(0.3, tau_mem=TAU) * np.exp(-np.abs(lag) / TAU))
    for duration in (0.5, 30.0, 3000.0):
        weighted = lambda u, T=duration: 2 * (1 - u / T) / T * theory.membrane_autocovariance(u, 0.3, tau_mem=TAU)  # noqa: E731
        expected = integrate.quad(weighted, 0, duration, limit=200)[0]
        assert_allclose(theory.time_average_variance(0.3, duration, tau_mem=TAU), expected, rtol=1e-8)


@pytest.mark.parametrize("dt", DT)
def test_schemes_against_their_recursion(dt):
    a, em = np.exp(-dt / TAU), 1 - dt / TAU
    for found, decay in (
        (theory.euler_maruyama_variance(0.3, tau_mem=TAU, dt=dt), em),
        (theory.mixed_step_variance(0.3, tau_mem=TAU, dt=dt), a),
    ):
        assert_allclose(found, stationary_variance([[decay]], [[0.09 * dt]]), rtol=1e-10)
    steps = np.arange(5)
    covariance = theory.euler_maruyama_autocovariance(steps, 0.3, tau_mem=TAU, dt=dt)
    assert_allclose(covariance, theory.euler_maruyama_variance(0.3, tau_mem=TAU, dt=dt) * em**steps)


def test_errors_of_the_schemes_at_a_tenth_of_tau():
    exact = theory.membrane_variance(0.3, tau_mem=TAU)
    assert theory.mixed_step_variance(0.3, tau_mem=TAU, dt=2.0) / exact == pytest.approx(1.1, abs=0.004)
    assert theory.euler_maruyama_variance(0.3, tau_mem=TAU, dt=2.0) / exact == pytest.approx(1 / 0.95)
    assert theory.euler_maruyama_variance(0.3, tau_mem=TAU, dt=40.0) == np.inf


@pytest.mark.parametrize("dt", DT)
@pytest.mark.parametrize("tau_noise", [0.5, 5.0, 80.0])
def test_coloured_noise_against_the_joint_recursion(dt, tau_noise):
    a, b = np.exp(-dt / TAU), np.exp(-dt / tau_noise)
    s, r = 0.7, 3.0
    fresh = [[0.0, 0.0], [0.0, s**2 * (1 - b**2)]]
    held = stationary_variance([[a, (1 - a) * r], [0.0, b]], fresh)  # V <- a V + (1 - a) R I, left value
    added = stationary_variance([[a, b], [0.0, b]], [[fresh[1][1]] * 2] * 2)  # V <- a V + n, the new value
    assert_allclose(
        theory.coloured_current_variance(s, tau_mem=TAU, tau_noise=tau_noise, dt=dt, resistance=r), held, rtol=1e-9
    )
    assert_allclose(theory.coloured_voltage_variance(s, tau_mem=TAU, tau_noise=tau_noise, dt=dt), added, rtol=1e-9)


@pytest.mark.parametrize("dt", DT)
def test_held_current_against_its_recursion_and_published_form(dt):
    a = np.exp(-dt / TAU)
    found = theory.held_current_variance(0.7, tau_mem=TAU, dt=dt, resistance=3.0)
    assert_allclose(found, stationary_variance([[a]], [[((1 - a) * 3.0 * 0.7) ** 2]]), rtol=1e-9)
    assert_allclose(found, (3.0 * 0.7) ** 2 * (1 - a) / (1 + a), rtol=1e-9)


def test_current_noise_tends_to_voltage_noise():
    limit = theory.membrane_variance(theory.voltage_sigma(2.0, tau_mem=TAU, resistance=3.0), tau_mem=TAU)
    assert_allclose(limit, (3.0 * 2.0) ** 2 / (2 * TAU))
    for dt in (0.1, 0.5, 1.0):
        held = theory.held_current_variance(2.0 / np.sqrt(dt), tau_mem=TAU, dt=dt, resistance=3.0)
        assert 1 - held / limit == pytest.approx((dt / TAU) ** 2 / 12, rel=1e-3)
    # Diffusion(sigma) of an Ornstein-Uhlenbeck current: variance sigma^2/(2 tau_noise), white for tau_noise -> 0
    slow = theory.coloured_current_variance(2.0 / np.sqrt(2 * 1e-4), tau_mem=TAU, tau_noise=1e-4, resistance=3.0)
    assert_allclose(slow, limit, rtol=1e-5)


def test_coloured_current_tends_to_its_continuous_limit_and_to_a_frozen_current():
    at = lambda dt: theory.coloured_current_variance(0.7, tau_mem=TAU, tau_noise=5.0, dt=dt)  # noqa: E731
    assert_allclose(at(0.0), 0.49 * 5 / 25)
    errors = [at(dt) / at(0.0) - 1 for dt in (0.4, 0.2, 0.1)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.02)  # second order in dt
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.02)
    assert_allclose(theory.coloured_current_variance(0.7, tau_mem=TAU, tau_noise=1e9, dt=1.0), 0.49, rtol=1e-6)
    white = theory.held_current_variance(0.7, tau_mem=TAU, dt=1.0)
    assert_allclose(theory.coloured_current_variance(0.7, tau_mem=TAU, tau_noise=1e-3, dt=1.0), white, rtol=1e-12)


def test_arguments_broadcast_to_float64():
    found = theory.coloured_current_variance([1, 2], tau_mem=20, tau_noise=np.float32([[5], [10]]), dt=[0, 1])
    assert found.shape == (2, 2)
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.membrane_variance(0.1, tau_mem=0.0), r"tau_mem: must be finite and > 0 \[ms\]"),
        (lambda: theory.step_std(0.1, tau_mem=20.0, dt=-1.0), r"dt: must be finite and > 0 \[ms\]"),
        (lambda: theory.coloured_current_variance(1.0, tau_mem=20.0, tau_noise=np.nan), r"tau_noise: must be"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
