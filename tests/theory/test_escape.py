"""Escape rates and the intervals that they give, against loops in double precision."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError

NEURON = {"tau_mem": 20.0, "v_threshold": 1.0, "v_reset": 0.0}


def exponential(margin, slope):
    return theory.exponential_hazard_hz(margin, at_threshold_hz=40.0, width=0.15)


def test_hazards_have_their_limits():
    found = theory.sigmoid_hazard_hz([-1e4, -0.2, 0.0, 0.2, 1e4], largest_hz=500.0, width=0.1)
    assert_allclose(found, [0.0, 500 / (1 + np.exp(2)), 250.0, 500 / (1 + np.exp(-2)), 500.0])
    still = theory.diffusion_hazard_hz([-0.4, 0.0, 5.0], [-1.0, 0.0, 0.0], sigma=0.4 / 20**0.5, tau_mem=20.0)
    assert_allclose(still, [36.0 * np.exp(-1), 36.0, 36.0])
    rising = theory.diffusion_hazard_hz(-0.2, 0.05, sigma=0.2 / 20**0.5, tau_mem=20.0)
    assert_allclose(rising, 1000 * (0.72 / 20 + 0.05 / 0.2 / np.sqrt(np.pi)) * np.exp(-1))


def test_a_gaussian_that_moves_over_the_threshold_is_what_the_second_term_gives():
    """The share of it that passes until its middle is at the threshold is a half."""
    sigma, speed = 0.2, 3.0  # far quicker than the membrane
    passed = integrate.quad(
        lambda t: theory.diffusion_hazard_hz(speed * t, speed, sigma=sigma / 20**0.5, tau_mem=20.0, c1=0.0) / 1000,
        -1.0,
        0.0,
    )[0]
    assert_allclose(passed, 0.5, rtol=1e-9)


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_intervals_are_those_of_a_loop_over_the_chain(dt):
    mean, cv = theory.escape_interval(0.9, exponential, dt=dt, refractory=2.0, **NEURON)
    u, alive, moments = 0.0, 1.0, np.zeros(3)
    for n in range(1, int(6000 / dt)):
        u = 0.9 + (u - 0.9) * np.exp(-dt / 20.0)
        fires = alive * (1 - np.exp(-40.0 * np.exp((u - 1) / 0.15) * dt / 1000))
        interval, alive = 2.0 + n * dt, alive - fires
        moments += fires * interval ** np.arange(3)
    assert_allclose(moments[0], 1.0, rtol=1e-12)
    assert_allclose([mean, cv], [moments[1], np.sqrt(moments[2] - moments[1] ** 2) / moments[1]], rtol=1e-9)


def test_small_steps_are_continuous_time():
    hazard = lambda t: 0.04 * np.exp((0.9 * (1 - np.exp(-t / 20)) - 1) / 0.15)  # noqa: E731
    time = np.linspace(0.0, 4000.0, 400_001)
    survived = np.exp(-integrate.cumulative_simpson(hazard(time), x=time, initial=0))
    first, second = integrate.simpson(survived, x=time), integrate.simpson(2 * time * survived, x=time)
    mean, cv = theory.escape_interval(0.9, exponential, dt=0.002, **NEURON)
    assert_allclose([mean, cv], [first, np.sqrt(second - first**2) / first], rtol=1e-4)


def test_a_constant_hazard_with_dead_time_is_the_geometric_law():
    constant = lambda margin, slope: np.full_like(margin, 80.0)  # noqa: E731
    found = theory.escape_interval(0.5, constant, dt=0.5, refractory=4.0, **NEURON)
    p = theory.escape_probability(80.0, dt=0.5)
    assert_allclose(found, theory.grid_dead_time_interval(p, dead_time=4.0, dt=0.5), rtol=1e-10)
    fine = theory.escape_interval(0.5, constant, dt=1e-2, refractory=4.0, **NEURON)
    assert_allclose(fine[1], 1 - 4.0 / float(fine[0]), rtol=1e-3)  # CV = 1 - rate x dead time


def test_without_hazard_there_is_no_interval_and_a_hazard_is_a_function():
    never = lambda margin, slope: np.zeros_like(margin)  # noqa: E731
    assert theory.escape_interval(0.9, never, dt=1.0, **NEURON)[0] == np.inf
    with pytest.raises(InputError, match="hazard: must be a function"):
        theory.escape_interval(0.9, 20.0, dt=1.0, **NEURON)
