"""The perfect integrator: its intervals without noise, their law under white noise, and what a conductance does to it."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxsnn_noise as jn
from helpers.pace import slow_but
from helpers.statistical import assert_ks, assert_mean, assert_variance, negative_control
from jaxsnn_noise import noise, random
from jaxsnn_noise.neurons import IF
from jaxsnn_noise.signals import Drive

SLOPE, SIGMA = 0.05, 0.1
"""mV/ms and mV/sqrt(ms): 20 ms in the mean, CV 0.45."""


def run(
    neuron: IF, current: float, statistics: Any, *, dt: float, duration: float, sigma: float = 0.0, **options: Any
) -> Any:
    sources = {"m": noise.VoltageNoise(noise.Diffusion(sigma))} if sigma else None
    network = jn.Network({"cells": jn.Population(neuron, noise=sources, **options)})
    sim = jn.Simulation(
        network, {"cells": jn.coding.Constant(current)}, duration=duration, dt=dt, statistics=statistics
    )
    return jn.simulate(sim, key=3)


@pytest.mark.slow
@pytest.mark.parametrize("dt", [0.1, 0.25, 1.0])
def test_without_noise_intervals_are_the_closed_form(dt: float) -> None:
    neuron = IF(2, capacitance=[2.0, 1.0], v_threshold=3.0, v_reset=-1.0, refractory=2.0)
    found = run(neuron, 0.25, {"mean": jn.statistics.IntervalMean()}, dt=dt, duration=400.0)["mean"]
    exact, cv = jn.theory.integrator_interval([0.125, 0.25], 0.0, v_threshold=3.0, v_reset=-1.0, refractory=2.0)
    np.testing.assert_allclose(found, exact, atol=1e-3)  # whole steps here: 32 + 2 and 16 + 2 ms
    np.testing.assert_array_equal(cv, [0.0, 0.0])


@pytest.mark.slow
@pytest.mark.parametrize("dt", slow_but([0.1, 1.0, 4.0], [1.0]))
def test_first_passages_are_inverse_gaussian_at_any_step(dt: float) -> None:
    """A bridge is exact for Brownian motion with drift: at steps of a fifth of the mean interval too."""
    statistics, rule = {"first": jn.statistics.FirstSpikeTime()}, jn.BridgeThreshold(times=True)
    first = run(IF(4000), SLOPE, statistics, dt=dt, duration=400.0, sigma=SIGMA, firing=rule)["first"]
    times = np.asarray(first, np.float64)
    assert np.isfinite(times).mean() > 0.9995  # of the law, 1e-6 lie beyond the run

    def check(factor: float) -> None:
        assert_ks(
            times[np.isfinite(times)],
            lambda t: jn.theory.integrator_interval_cdf(t, SLOPE, factor * SIGMA, v_threshold=1.0, v_reset=0.0),
        )

    check(1.0)
    negative_control(check)
    mean, cv = jn.theory.integrator_interval(SLOPE, SIGMA, v_threshold=1.0, v_reset=0.0)
    assert_mean(times[np.isfinite(times)], mean)
    kurtosis = 3.0 + 15.0 * cv**2  # of the inverse Gaussian law
    assert_variance(times[np.isfinite(times)], (mean * cv) ** 2, kurtosis=kurtosis)


def test_the_law_is_that_of_scipy() -> None:
    t = np.linspace(0.0, 100.0, 301)
    for slope, sigma, gap, dead in ((0.05, 0.1, 1.0, 0.0), (2.0, 0.3, 15.0, 2.0), (0.01, 1.0, 1.0, 3.0)):
        mean, shape = gap / slope, (gap / sigma) ** 2
        ours = jn.theory.integrator_interval_cdf(t, slope, sigma, v_threshold=gap - 7.0, v_reset=-7.0, refractory=dead)
        np.testing.assert_allclose(ours, stats.invgauss.cdf(t - dead, mean / shape, scale=shape), atol=1e-9)
        found, cv = jn.theory.integrator_interval(slope, sigma, v_threshold=gap, v_reset=0.0, refractory=dead)
        law = stats.invgauss(mean / shape, scale=shape)
        np.testing.assert_allclose([found, found * cv], [law.mean() + dead, law.std()], rtol=1e-9)


@pytest.mark.slow
def test_a_threshold_seen_on_the_grid_lies_higher() -> None:
    """0.5826 sigma sqrt(dt) higher, as for any diffusion; the drift is seen half a step late at most."""
    dt = 0.5
    found = run(IF(400), SLOPE, {"mean": jn.statistics.IntervalMean()}, dt=dt, duration=4000.0, sigma=SIGMA)["mean"]
    shifted = (1.0 + 0.5826 * SIGMA * np.sqrt(dt)) / SLOPE
    assert_mean(np.asarray(found, np.float64), shifted, false_alarm=1e-6)
    assert shifted > 20.5


def test_under_a_conductance_it_leaks_with_it() -> None:
    """C dv/dt = I - g v in closed form, in one step as in ten; without a conductance nothing is lost."""
    neuron = IF(3, capacitance=[1.0, 2.0, 1.0])
    drive = Drive(jnp.array([0.3, 0.3, 0.1]), jnp.array([0.05, 0.2, 0.0]))
    state, tick = neuron.rest(), random.tick(random.root(0), 0)
    for dt in (1.0, 2.0, 7.0):
        state = neuron.integrate(state, drive, tick, dt)
    tau = np.array([20.0, 10.0, np.inf])
    exact = np.array([6.0, 1.5, 0.0]) * -np.expm1(-10.0 / tau) + np.array([0.0, 0.0, 1.0])
    np.testing.assert_allclose(state.v, exact, rtol=3e-6)
    variance = np.asarray(neuron.diffuse(drive, 3.0), np.float64) ** 2
    np.testing.assert_allclose(variance, [10.0 * -np.expm1(-0.3), 5.0 * -np.expm1(-0.6), 3.0], rtol=3e-6)
    np.testing.assert_allclose(neuron.time_constant(drive), [20.0, 10.0, 1e9], rtol=1e-6)


def test_a_reset_at_or_above_the_threshold_is_refused() -> None:
    with pytest.raises(jn.InputError, match=r"IF.v_reset: must lie below v_threshold = 1 \[mV\]"):
        IF(2, v_reset=1.0)
    with pytest.raises(jn.InputError, match=r"IF.capacitance: must be finite and > 0 \[nF\]"):
        IF(2, capacitance=0.0)
