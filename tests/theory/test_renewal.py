"""Spectra of renewal trains, and intervals on a grid: spectra of trains that are drawn, quadrature, sums over a density."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from helpers.passages import passage_density
from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError

LAWS = {
    "dead time": (stats.expon(4.0, 12.0), lambda f: theory.dead_time_spectrum_hz(f, 1000 / 12.0, dead_time=4.0)),
    "gamma": (stats.gamma(4, scale=5.0), lambda f: theory.gamma_spectrum_hz(f, 50.0, shape=4.0)),
    "bursty": (stats.gamma(0.6, scale=25.0), lambda f: theory.gamma_spectrum_hz(f, 1000 / 15.0, shape=0.6)),
    "inverse Gaussian": (stats.invgauss(0.25, scale=80.0), None),
}


@pytest.mark.parametrize("name", LAWS)
def test_the_spectrum_is_that_of_trains_that_are_drawn(name):
    """Periodograms of 1 s at multiples of 1 Hz of trains of 1.4 s, in 4000 windows; leakage of a stationary train is 1/T."""
    law, form = LAWS[name]
    rng, windows, length = np.random.default_rng(11), 4000, 1000.0
    number = int(1.4 * (length + 2000.0) / law.mean()) + 60
    times = np.cumsum(law.rvs((windows, number), random_state=rng), axis=1) - 2000.0
    assert times[:, -1].min() > length
    f = np.array([7.0, 31.0, 52.0, 140.0])
    inside = (times >= 0) & (times < length)
    powers = np.stack([np.abs((inside * np.exp(-2j * np.pi * one * times / 1000.0)).sum(1)) ** 2 for one in f], axis=1)
    expected = theory.renewal_spectrum_hz(f, law)
    if form is not None:
        assert_allclose(form(f), expected, rtol=1e-8)
        assert_allclose(form([0.0, 1e-3]), 1000 / law.mean() * law.var() / law.mean() ** 2, rtol=1e-6)

    def check(amplitude):
        assert_mean(amplitude * powers, expected)

    check(1.0)
    negative_control(check)


def test_without_dead_time_and_with_order_one_it_is_flat():
    f = [0.0, 10.0, 1000.0]
    assert_allclose(theory.dead_time_spectrum_hz(f, 40.0, dead_time=0.0), 40.0)
    assert_allclose(theory.gamma_spectrum_hz(f, 40.0, shape=1.0), 40.0)


def test_the_law_of_intervals_is_a_positive_distribution():
    for bad in (stats.norm(), stats.pareto(1.5), 3.0, stats.poisson(3.0)):
        with pytest.raises(InputError, match="intervals: must be"):
            theory.renewal_spectrum_hz(10.0, bad)


@pytest.mark.parametrize(
    ("mean", "brunel", "dt"), [(30.0, 0.3, 1.0), (60.0, 0.6, 1.0), (30.0, 3.0, 2.0), (25.0, 10.0, 2.0)]
)
def test_an_interval_that_ends_with_its_step_against_sums_over_the_density(mean, brunel, dt):
    """Where spikes lock to the grid the variance is twice that of continuous time plus dt^2/12, or a half."""
    neuron = {"tau_mem": 10.0, "v_threshold": 20.0, "v_reset": 0.0, "refractory": 2.0 * dt}
    sigma = brunel / 10**0.5
    found = theory.bridge_interval(mean, sigma, dt=dt, **neuron)
    time, density = passage_density(0.0, 20.0, mean=mean, sigma=sigma, tau=10.0, until=40.0 * dt, points=8000)
    steps = np.ceil(time / dt - 1e-9)
    weights = density / density.sum()
    weights[np.isclose(time % dt, 0)] *= 0.5  # half of the trapezoid is of the next step
    weights[np.isclose(time % dt, dt)] *= 0.5
    weights /= weights.sum()
    average = (weights * steps).sum()
    tail = 2e-3  # of what the density leaves out
    assert_allclose(found[0], 2.0 * dt + dt * average, rtol=tail)
    assert_allclose(found[1], dt**2 * ((weights * steps**2).sum() - average**2), rtol=10 * tail)


def test_intervals_that_vary_do_not_lock():
    neuron = {"tau_mem": 10.0, "v_threshold": 20.0, "v_reset": 0.0, "refractory": 2.0}
    mean, sigma = np.array([22.0, 14.0, 30.0]), np.array([0.5, 5.0, 3.0]) / 10**0.5
    for dt in (0.1, 1.0):
        found = theory.bridge_interval(mean, sigma, dt=dt, **neuron)
        rate, cv = theory.siegert_rate_hz(mean, sigma, **neuron), theory.siegert_cv(mean, sigma, **neuron)
        assert_allclose(found[0], 1000 / rate + dt / 2, rtol=1e-6)
        assert_allclose(found[1], (cv * 1000 / rate) ** 2 + dt**2 / 12, rtol=1e-5)
