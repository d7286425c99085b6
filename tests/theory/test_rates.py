"""Rates, irregularity and gains: published values, an independent solution of the backward equation, limits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, special
from scipy.linalg import solve_banded

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError

NNMT = {"tau_mem": 10.0, "v_threshold": 20.0, "v_reset": 0.0, "refractory": 2.0}
NEST = {"tau_mem": 10.0, "v_threshold": 15.0, "v_reset": 0.0, "refractory": 2.0}
UNIT = {"tau_mem": 20.0, "v_threshold": 1.0, "v_reset": 0.0, "refractory": 2.0}
BRUNEL = {"tau_mem": 20.0, "v_threshold": 20.0, "v_reset": 10.0, "refractory": 2.0}
POINTS = [(0.5, 0.2), (0.8, 0.1), (0.8, 0.4), (1.0, 0.2), (1.2, 0.2), (1.2, 0.4), (-0.5, 0.6), (3.0, 0.05)]


def brunel(value, neuron):
    """Values in the literature are Brunel's sigma [mV]."""
    return theory.diffusion_sigma(value, tau_mem=neuron["tau_mem"])


def backward_equation(mean, sigma, neuron, cells=6000):
    """Mean and standard deviation of the passage time by finite differences, for a neuron without refractory time.

    The moments solve ``(mean - V)/tau T_n' + sigma^2/2 T_n'' = -n T_(n-1)`` with ``T_n(threshold) = 0`` and a
    reflecting wall eight standard deviations below everything.
    """
    tau, spread = neuron["tau_mem"], sigma * np.sqrt(neuron["tau_mem"] / 2)
    wall = min(mean, neuron["v_reset"]) - 8 * spread
    v = np.linspace(wall, neuron["v_threshold"], cells + 1)
    h = v[1] - v[0]
    drift, diffusion = (mean - v) / tau, sigma**2 / 2
    up, down = diffusion / h**2 + drift / (2 * h), diffusion / h**2 - drift / (2 * h)
    bands = np.zeros((3, cells))
    bands[1] = -2 * diffusion / h**2
    bands[0, 1:] = up[: cells - 1]
    bands[2, :-1] = down[1:cells]
    bands[0, 1] += down[0]  # reflection
    first = solve_banded((1, 1), bands, -np.ones(cells))
    second = solve_banded((1, 1), bands, -2 * first)
    m1, m2 = (np.interp(neuron["v_reset"], v[:-1], moment) for moment in (first, second))
    return m1, np.sqrt(m2 - m1**2)


@pytest.mark.parametrize(
    ("mean", "sigma", "rate", "cv"),
    [
        (2, 30, 51.87482, 1.0480),
        (4, 40, 77.79709, 1.1022),
        (12, 2, 2.45428e-5, 1.0000),
        (14, 2.3, 0.147706, 0.9940),
        (22, 30, 98.80397, 0.8348),
        (30, 40, 132.91458, 0.8553),
        (22, 0.5, 38.71369, 0.0657),
        (30, 0.3, 77.01713, 0.0154),
    ],
)
def test_rates_of_nnmt(mean, sigma, rate, cv):
    assert_allclose(theory.siegert_rate_hz(mean, brunel(sigma, NNMT), **NNMT), rate, rtol=4e-6)
    assert_allclose(theory.siegert_cv(mean, brunel(sigma, NNMT), **NNMT), cv, atol=6e-5)


@pytest.mark.parametrize(
    ("mean", "sigma", "rate", "cv"),
    [(15, 2, 31.240, 0.3458), (12, 4, 21.650, 0.6133), (18, 1, 50.846, 0.1110)],
)
def test_rates_of_the_nest_neuron(mean, sigma, rate, cv):
    assert_allclose(theory.siegert_rate_hz(mean, brunel(sigma, NEST), **NEST), rate, atol=6e-4)
    assert_allclose(theory.siegert_cv(mean, brunel(sigma, NEST), **NEST), cv, atol=6e-5)


@pytest.mark.parametrize(
    ("mean", "sigma", "rate", "cv", "slope", "gain"),
    [
        (0.5, 0.2, 0.12203, 0.9925, 2.733, 0.050),
        (0.8, 0.1, 0.83669, 0.9360, 27.02, 0.199),
        (0.8, 0.2, 7.6678, 0.6645, 50.77, 0.609),
        (0.8, 0.4, 16.302, 0.6373, 39.97, 0.772),
        (1.0, 0.2, 18.512, 0.4080, 54.02, 0.757),
        (1.2, 0.2, 28.850, 0.2881, 49.39, 0.815),
        (1.2, 0.4, 33.058, 0.4518, 42.29, 0.848),
    ],
)
def test_values_of_the_normalised_neuron(mean, sigma, rate, cv, slope, gain):
    s = brunel(sigma, UNIT)
    assert_allclose(theory.siegert_rate_hz(mean, s, **UNIT), rate, rtol=6e-5)
    assert_allclose(theory.siegert_cv(mean, s, **UNIT), cv, atol=6e-5)
    assert_allclose(theory.rate_slope_of_mean(mean, s, **UNIT), slope, rtol=3e-4)
    assert_allclose(theory.correlation_gain(mean, s, **UNIT), gain, atol=6e-4)


@pytest.mark.parametrize(("mean", "sigma"), POINTS)
def test_passage_moments_against_the_backward_equation(mean, sigma):
    neuron = {**UNIT, "refractory": 0.0}
    s = brunel(sigma, UNIT)
    expected, spread = backward_equation(mean, s, neuron)
    assert_allclose(1000 / theory.siegert_rate_hz(mean, s, **neuron), expected, rtol=2e-4)
    assert_allclose(theory.siegert_cv(mean, s, **neuron), spread / expected, rtol=5e-4)


@pytest.mark.parametrize(("low", "high"), [(-3.0, -1.0), (-2.0, 1.5), (0.2, 1.7), (1.0, 1.001), (-40.0, -0.001)])
def test_cases_of_the_passage_integral_against_quadrature(low, high):
    # mean 0, sigma_B 1, tau 1: the bounds are the voltages
    expected = np.sqrt(np.pi) * integrate.quad(lambda x: special.erfcx(-x), low, high, epsabs=0, epsrel=1e-12)[0]
    rate = theory.siegert_rate_hz(0.0, 1.0, tau_mem=1.0, v_threshold=high, v_reset=low)
    assert_allclose(1000 / rate, expected, rtol=1e-9)


@pytest.mark.parametrize(("mean", "sigma"), POINTS)
@pytest.mark.parametrize("neuron", [UNIT, {**UNIT, "refractory": 0.0, "v_reset": 0.6}])
def test_slopes_against_differences(mean, sigma, neuron):
    s, h = float(brunel(sigma, UNIT)), 1e-5
    rate = lambda m, d: theory.siegert_rate_hz(m, d, **neuron)  # noqa: E731
    by_mean = (rate(mean + h, s) - rate(mean - h, s)) / (2 * h)
    by_sigma = (rate(mean, s * (1 + h)) - rate(mean, s * (1 - h))) / (2 * h * s)
    assert_allclose(theory.rate_slope_of_mean(mean, s, **neuron), by_mean, rtol=1e-6)
    assert_allclose(theory.rate_slope_of_sigma(mean, s, **neuron), by_sigma, rtol=1e-5, atol=1e-4)


def test_without_noise():
    above, below = np.array([1.05, 1.2, 5.0]), np.array([-1.0, 0.9, 1.0])
    interval = 2 + 20 * np.log(above / (above - 1))
    assert_allclose(theory.noise_free_interval(above, **UNIT), interval)
    assert_allclose(theory.siegert_rate_hz(above, 0.0, **UNIT), 1000 / interval)
    assert_allclose(theory.siegert_cv(above, 0.0, **UNIT), 0)
    assert np.all(theory.noise_free_interval(below, **UNIT) == np.inf)
    assert np.all(theory.siegert_rate_hz(below, 0.0, **UNIT) == 0)
    assert np.all(np.isnan(theory.siegert_cv(below, 0.0, **UNIT)))
    h = 1e-6
    difference = 1000 / theory.noise_free_interval(above + h, **UNIT) - 1000 / theory.noise_free_interval(
        above - h, **UNIT
    )
    assert_allclose(theory.rate_slope_of_mean(above, 0.0, **UNIT), difference / (2 * h), rtol=1e-6)
    assert np.all(theory.rate_slope_of_mean(below, 0.0, **UNIT) == 0)


def test_limit_of_weak_noise():
    above = np.array([1.05, 1.2, 5.0])
    for function in (theory.siegert_rate_hz, theory.rate_slope_of_mean):
        assert_allclose(function(above, 1e-7, **UNIT), function(above, 0.0, **UNIT), rtol=1e-6)
    # linear noise: spread of the potential at the crossing over its slope there
    interval = theory.noise_free_interval(above, **UNIT)
    spread = np.sqrt(theory.membrane_variance(1e-6, tau_mem=20.0, time=interval - 2.0)) / ((above - 1.0) / 20.0)
    assert_allclose(theory.siegert_cv(above, 1e-6, **UNIT), spread / interval, rtol=1e-6)
    # far below threshold nothing overflows, and what is left of the spikes is Poisson
    assert theory.siegert_rate_hz(0.5, 1e-4, **UNIT) == 0
    assert theory.rate_slope_of_mean(0.5, 1e-4, **UNIT) == 0
    assert_allclose(theory.siegert_cv(0.5, 1e-4, **UNIT), 1, rtol=1e-9)


def test_limit_of_rare_escape():
    # Kramers: rate -> (theta - mean)/(sqrt(pi) sigma_B tau) exp(-y^2), with a relative correction of order 1/y^2
    y = np.array([4.0, 6.0, 8.0])
    sigma = 0.5 / y
    expected = 1000 * y / (np.sqrt(np.pi) * 20) * np.exp(-(y**2))
    ratio = theory.siegert_rate_hz(0.5, brunel(sigma, UNIT), **UNIT) / expected
    assert np.all(np.abs(ratio - 1) < 1.0 / y**2)
    assert np.all(np.diff(np.abs(ratio - 1)) < 0)


def test_limit_of_a_perfect_integrator():
    # tau -> inf at constant drift: inverse Gaussian passage times, mean L/drift and CV^2 = sigma^2/(drift L)
    tau, drift, sigma = 1e7, 0.05, 0.1
    neuron = {"tau_mem": tau, "v_threshold": 1.0, "v_reset": 0.2}
    assert_allclose(theory.siegert_rate_hz(drift * tau, sigma, **neuron), 1000 * drift / 0.8, rtol=1e-5)
    assert_allclose(theory.siegert_cv(drift * tau, sigma, **neuron) ** 2, sigma**2 / (drift * 0.8), rtol=1e-5)


@pytest.mark.parametrize(("mean", "sigma"), POINTS)
def test_dead_time_and_units(mean, sigma):
    s, free = brunel(sigma, UNIT), {**UNIT, "refractory": 0.0}
    rate, bare = theory.siegert_rate_hz(mean, s, **UNIT), theory.siegert_rate_hz(mean, s, **free)
    assert_allclose(1000 / rate, 1000 / bare + 2.0, rtol=1e-10)
    assert_allclose(theory.siegert_cv(mean, s, **UNIT), theory.siegert_cv(mean, s, **free) * rate / bare, rtol=1e-10)
    shifted = {**UNIT, "v_threshold": -50.0, "v_reset": -65.0}  # 15 mV for one, from -65 mV
    assert_allclose(theory.siegert_rate_hz(-65 + 15 * mean, 15 * s, **shifted), rate, rtol=1e-9)
    slower = {**UNIT, "tau_mem": 40.0, "refractory": 4.0}
    assert_allclose(theory.siegert_rate_hz(mean, s / np.sqrt(2), **slower), rate / 2, rtol=1e-12)


def test_rate_rises_with_the_mean():
    mean = np.linspace(-1.0, 4.0, 101)
    rate = theory.siegert_rate_hz(mean, 0.1, **UNIT)
    assert np.all(np.diff(rate) > 0)
    assert np.all(rate < 500)  # one over the refractory time


@pytest.mark.parametrize(
    ("mean", "sigma", "rates"),
    [(0.8, 0.4, {1.0: 13.98, 0.5: 14.58, 0.1: 15.58}), (1.2, 0.2, {1.0: 27.05, 0.5: 27.61, 0.1: 28.38})],
)
def test_rates_on_a_grid(mean, sigma, rates):
    """Rates of plain simulations of 20,000 s. Without what the drift adds, 27.23 and 27.70 Hz."""
    s = brunel(sigma, UNIT)
    for dt, expected in rates.items():
        neuron = {**UNIT, "v_threshold": theory.grid_threshold(1.0, s, dt=dt, mean=mean, tau_mem=20.0)}
        assert_allclose(theory.siegert_rate_hz(mean, s, **neuron), expected, rtol=6e-3)
    assert theory.grid_threshold(1.0, s, dt=0.0, mean=mean, tau_mem=20.0) == 1.0


@pytest.mark.parametrize("b", [0.3, 0.999999, 3.0])
def test_the_shift_on_a_grid_is_the_mean_overshoot_of_a_random_walk(b):
    """Of unit steps with the drift ``b`` over a far level, between the two series and in each."""
    rng = np.random.default_rng(5)
    walk, over = np.zeros(40_000), np.full(40_000, np.nan)
    while np.isnan(over).any():
        walk += b + rng.standard_normal(walk.size)
        over = np.where(np.isnan(over) & (walk >= 20.0), walk - 20.0, over)
    shift = float(theory.grid_threshold(0.0, 1.0, dt=1.0, mean=b, tau_mem=1.0))
    assert_mean(over, shift)
    negative_control(lambda a: assert_mean(a * over, shift))
    both = [theory.grid_threshold(0.0, 1.0, dt=1.0, mean=x, tau_mem=1.0) for x in (1 - 1e-9, 1 + 1e-9)]
    assert_allclose(*both, rtol=1e-8)


def test_the_shift_on_a_grid_has_its_limits():
    shift = lambda mean, sigma: float(theory.grid_threshold(1.0, sigma, dt=0.5, mean=mean, tau_mem=20.0)) - 1.0  # noqa: E731
    assert_allclose([shift(0.2, 0.1), shift(1.0, 0.1)], 0.5825972 * 0.1 * 0.5**0.5, rtol=1e-7)
    assert_allclose(shift(3.0, 1e-5), 0.5 * (2.0 / 20.0 * 0.5), rtol=1e-4)  # half of what the drift moves in a step
    assert_allclose(shift(3.0, 0.0), 0.5 * (2.0 / 20.0 * 0.5), rtol=1e-12)
    assert shift(0.2, 0.0) == 0.0


@pytest.mark.parametrize(("bridge", "dt", "allowed"), [(False, 0.25, 0.004), (True, 1.0, 0.015)])
def test_grid_and_bridge_rates_against_a_plain_simulation(bridge, dt, allowed):
    # (1.2, 0.2) by an exact Ornstein-Uhlenbeck loop. The allowed bias is what the first order leaves: simulations of
    # 20,000 s gave 27.61 and 28.38 Hz on grids of 0.5 and 0.1 ms (formula: 27.62, 28.32), and 28.44 Hz with the bridge at
    # 1 ms (continuous time: 28.85). Without shift or bridge the rate would be off by 3 and 6 %.
    rng = np.random.default_rng(3)
    size, steps, warm = 3000, round(1200 / dt), round(200 / dt)
    s = float(brunel(0.2, UNIT))
    a, b = np.exp(-dt / 20.0), float(theory.step_std(s, tau_mem=20.0, dt=dt))
    v, held, counts = rng.uniform(0, 1, size), np.zeros(size, int), np.zeros(size)
    for step in range(steps):
        before, free = v, held == 0
        v = np.where(free, 1.2 + (v - 1.2) * a + b * rng.standard_normal(size), 0.0)
        crossed = v >= 1.0
        if bridge:
            crossed |= rng.uniform(size=size) < theory.bridge_crossing_probability(before, v, s, v_threshold=1.0, dt=dt)
        spikes = free & crossed
        counts += spikes * (step >= warm)
        v, held = np.where(spikes, 0.0, v), np.where(spikes, round(2 / dt), np.maximum(held - 1, 0))
    neuron = UNIT if bridge else {**UNIT, "v_threshold": theory.grid_threshold(1.0, s, dt=dt, mean=1.2, tau_mem=20.0)}
    expected = float(theory.siegert_rate_hz(1.2, s, **neuron))  # one second: counts are rates in Hz

    def check(amplitude):
        nearest = np.clip(amplitude * counts.mean(), expected * (1 - allowed), expected * (1 + allowed))
        assert_mean(amplitude * counts, nearest)

    check(1.0)
    negative_control(check)


def test_bridge_crossing_probability():
    cross = lambda v0, v1, s=0.1: theory.bridge_crossing_probability(v0, v1, s, v_threshold=1.0, dt=0.5)  # noqa: E731
    assert_allclose(cross(0.9, 0.95), np.exp(-2 * 0.1 * 0.05 / (0.01 * 0.5)))
    assert cross(0.9, 1.0) == cross(1.0, 0.3) == cross(1.2, 1.3) == 1.0
    assert cross(0.9, 0.95, 0.0) == 0.0
    assert cross(0.9, 1.0, 0.0) == 1.0


@pytest.mark.parametrize(
    ("mean", "sigma", "rate"),
    [
        (2, 30, 32.30986),
        (4, 40, 51.81400),
        (12, 2, 1.75998e-6),
        (14, 2.3, 0.0279463),
        (22, 30, 75.29511),
        (30, 40, 105.35410),
        (22, 0.5, 37.62036),
        (30, 0.3, 76.62941),
    ],
)
def test_coloured_noise_rates_of_nnmt(mean, sigma, rate):
    s = brunel(sigma, NNMT)
    shift = theory.coloured_shift(s, tau_noise=1.0)
    neuron = {**NNMT, "v_threshold": 20 + shift, "v_reset": shift}
    assert_allclose(theory.siegert_rate_hz(mean, s, **neuron), rate, rtol=1e-5)


def test_coloured_noise_of_the_normalised_neuron():
    s = brunel(0.4, UNIT)
    for tau_noise, expected in {0.5: 13.74, 1.0: 12.72, 2.0: 11.31, 5.0: 8.69}.items():
        shift = theory.coloured_shift(s, tau_noise=tau_noise)
        neuron = {**UNIT, "v_threshold": 1 + shift, "v_reset": shift}
        assert_allclose(theory.siegert_rate_hz(0.8, s, **neuron), expected, atol=6e-3)
    assert theory.coloured_shift(s, tau_noise=0.0) == 0.0
    # Fourcaud and Brunel: shift = sigma_B alpha/2 sqrt(tau_s/tau) with alpha = 2.065253
    assert_allclose(theory.coloured_shift(s, tau_noise=1.0), 0.4 * 2.065253 / 2 * np.sqrt(1 / 20), rtol=1e-6)


def test_a_grid_where_drift_dominates():
    """A plain simulation of (40, 0.9) at 1 ms gave 106.351 Hz; a threshold that knows no drift says 110.98."""
    s = float(brunel(0.9, NNMT))
    neuron = {**NNMT, "v_threshold": theory.grid_threshold(20.0, s, dt=1.0, mean=40.0, tau_mem=10.0)}
    assert_allclose(theory.siegert_rate_hz(40.0, s, **neuron), 106.351, rtol=6e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("refractory", "both"), [(0.0, 116.13), (2.0, 94.24)])
def test_coloured_noise_against_a_plain_simulation(refractory, both):
    """(25, 30) at k = 0.16. The papers' shift of both is right without refractory time, and 13 % too high with 2 ms."""
    rng, size, dt, tau_noise = np.random.default_rng(6), 2000, 0.025, 0.25
    a, b = np.exp(-dt / 10.0), np.exp(-dt / tau_noise)
    gain, std = tau_noise / (tau_noise - 10.0) * (b - a), 30.0 * np.sqrt(10.0 / (2 * tau_noise))
    current, v = std * rng.standard_normal(size), rng.uniform(0, 20, size)
    held, counts = np.zeros(size, int), np.zeros(size)
    for step in range(12_000):
        v = np.where(held == 0, 25.0 + (v - 25.0) * a + gain * current, 0.0)
        current = b * current + std * np.sqrt(1 - b * b) * rng.standard_normal(size)
        spikes = (held == 0) & (v >= 20.0)
        counts += spikes * (step >= 4000)
        v, held = np.where(spikes, 0.0, v), np.where(spikes, round(refractory / dt), np.maximum(held - 1, 0))
    rates, s = counts * 5.0, brunel(30, NNMT)  # of 200 ms
    threshold = 20 + theory.coloured_shift(s, tau_noise=tau_noise)

    def rate(reset):
        neuron = {**NNMT, "refractory": refractory, "v_threshold": threshold, "v_reset": reset}
        return float(theory.siegert_rate_hz(25.0, s, **neuron))

    expected = rate(theory.coloured_shift(s, tau_noise=tau_noise, refractory=refractory))
    assert_allclose(rate(threshold - 20), both, atol=6e-3)

    def check(amplitude):  # what the first order leaves: 1 %
        assert_mean(amplitude * rates, np.clip(amplitude * rates.mean(), 0.99 * expected, 1.01 * expected))

    check(1.0)
    negative_control(check)


def test_the_reset_shifts_by_what_is_left_of_the_noise():
    shift = lambda held: float(theory.coloured_shift(0.3, tau_noise=2.0, refractory=held))  # noqa: E731
    assert shift(0.0) == shift(None) == float(theory.coloured_shift(0.3, tau_noise=2.0))
    assert_allclose(shift(4.0), shift(0.0) * np.exp(-2.0))
    assert theory.coloured_shift(0.3, tau_noise=0.0, refractory=2.0) == 0.0


@pytest.mark.parametrize(("g", "eta", "rate"), [(6.0, 4.0, 55.84), (5.0, 2.0, 37.95), (4.5, 0.9, 6.52)])
def test_self_consistent_rates_of_brunels_network(g, eta, rate):
    outside = eta * 10.0  # nu_thr = 10 Hz
    excite, drive_e = theory.diffusion_limit(1000 * (outside + rate), 0.1, tau_mem=20.0)
    inhibit, drive_i = theory.diffusion_limit(250 * rate, -0.1 * g, tau_mem=20.0)
    found = theory.siegert_rate_hz(excite + inhibit, np.hypot(drive_e, drive_i), **BRUNEL)
    assert_allclose(found, rate, rtol=4e-3)  # the rate is printed to two digits and the loop amplifies its rounding


def test_stochastic_resonance_has_its_maximum_at_little_noise():
    sigma = np.array([0.08, 0.10, 0.12, 0.14, 0.16, 0.20, 0.30, 0.50])
    snr = theory.resonance_snr_hz(0.8, brunel(sigma, UNIT), **UNIT)
    assert_allclose(snr, [96.8, 249, 302, 288, 255, 190, 99.7, 40.1], rtol=4e-3)
    fine = np.linspace(0.08, 0.3, 111)
    best = fine[np.argmax(theory.resonance_snr_hz(0.8, brunel(fine, UNIT), **UNIT))]
    assert 0.12 <= best <= 0.13
    assert_allclose(theory.resonance_snr_hz(0.8, brunel(0.2, UNIT), amplitude=0.1, **UNIT), snr[5] / 100)


def test_correlation_gain_rises_with_the_rate_and_stays_below_one():
    mean = np.linspace(0.3, 1.6, 27)
    gain = theory.correlation_gain(mean, brunel(0.2, UNIT), **UNIT)
    assert np.all(np.diff(gain) > 0)
    assert gain[-1] < 1


def test_what_goes_through_a_neuron_that_never_fires_is_nothing():
    """The rate underflows far below threshold; the limit of both is 0."""
    for mean, sigma in ((-10.0, 0.05), (0.0, 1e-3), (0.9, 1e-12), (-1e120, 1e-100)):
        assert theory.siegert_rate_hz(mean, sigma, **UNIT) == 0.0
        assert theory.correlation_gain(mean, sigma, **UNIT) == 0.0
        assert theory.resonance_snr_hz(mean, sigma, **UNIT) == 0.0
        assert_allclose(theory.siegert_cv(mean, sigma, **UNIT), 1.0, rtol=1e-4)
    for function in (theory.correlation_gain, theory.resonance_snr_hz):
        with pytest.raises(InputError, match=r"sigma: must be finite and > 0 \[mV/sqrt\(ms\)\]"):
            function(0.8, 0.0, **UNIT)


@pytest.mark.parametrize("distance", [1e3, 1e5, 1e6, 1e7, 1e9, 1e30, 1e99])
def test_the_cv_keeps_its_digits_far_from_threshold(distance):
    """Escape without memory below, and the spread that weak noise gives a straight passage above."""
    plain = {**UNIT, "refractory": 0.0}
    below = theory.siegert_cv(0.0, 1.0 / (20**0.5 * distance), **plain)
    assert_allclose(below, 1.0, rtol=2 / distance**2 + 1e-9)
    sigma = 1.0 / (20**0.5 * distance)
    variance = sigma**2 * 20.0**3 / 2 * (1.0 / 1.0**2 - 1.0 / 2.0**2)  # of the passage from 0 to 1 under a mean of 2
    expected = np.sqrt(variance) / (20.0 * np.log(2.0))
    assert_allclose(theory.siegert_cv(2.0, sigma, **plain), expected, rtol=3 / distance**2 + 1e-9)


def test_interval_on_a_grid_against_a_loop():
    for mean, dt, dead in [(1.1, 1.0, 2.0), (1.1, 0.1, 2.0), (3.0, 0.5, 0.0), (1.5, 2.0, 0.5), (1.5, 2.0, 5.0)]:
        a, v, steps = np.exp(-dt / 20.0), 0.0, 0
        while v < 1.0:
            v, steps = mean + (v - mean) * a, steps + 1
        held = 0 if dead == 0 else max(1, int(np.floor(dead / dt + 0.5)))
        found = theory.grid_interval(mean, dt=dt, tau_mem=20.0, v_threshold=1.0, v_reset=0.0, refractory=dead)
        assert_allclose(found, (steps + held) * dt)
    silent = theory.grid_interval(0.9, dt=1.0, tau_mem=20.0, v_threshold=1.0, v_reset=0.0)
    assert silent == np.inf


def test_arguments_broadcast():
    rate = theory.siegert_rate_hz([0.8, 1.0, 1.2], [[0.05], [0.1]], **UNIT)
    assert rate.shape == (2, 3)
    assert_allclose(rate[1, 2], theory.siegert_rate_hz(1.2, 0.1, **UNIT))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"v_reset": 1.0}, r"v_threshold: must be above v_reset \[mV\]"),
        ({"tau_mem": -1.0}, r"tau_mem: must be finite and > 0 \[ms\]"),
        ({"refractory": -1.0}, r"refractory: must be finite and >= 0 \[ms\]"),
        ({"sigma": -0.1}, r"sigma: must be finite and >= 0"),
    ],
)
def test_wrong_input_is_named_as_that_of_a_neuron(change, message):
    for function in (theory.siegert_rate_hz, theory.siegert_cv, theory.rate_slope_of_mean, theory.rate_slope_of_sigma):
        with pytest.raises(InputError, match=message):
            function(**{"mean": 1.0, "sigma": 0.1, **UNIT, **change})


def test_a_neuron_without_refractory_time_is_one_with_none():
    none, nothing = {**UNIT, "refractory": None}, {**UNIT, "refractory": 0.0}
    for function in (theory.siegert_rate_hz, theory.siegert_cv, theory.rate_slope_of_mean, theory.rate_slope_of_sigma):
        assert function(1.1, 0.1, **none) == function(1.1, 0.1, **nothing)
    for function in (theory.correlation_gain, theory.resonance_snr_hz):
        assert function(1.1, 0.1, **none) == function(1.1, 0.1, **nothing)
    assert theory.noise_free_interval(1.1, **none) == theory.noise_free_interval(1.1, **nothing)
    assert theory.grid_interval(1.1, dt=1.0, **none) == theory.grid_interval(1.1, dt=1.0, **nothing)
