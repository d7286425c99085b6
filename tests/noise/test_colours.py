"""Telegraph and power-law noise: levels, switches, memory and spectrum against closed forms; what is refused."""

import numpy as np
import pytest
from scipy import signal

import jaxsnn_noise as jn
from helpers.seams import context, course, courses, keys
from helpers.statistical import (
    Deviation,
    assert_correlation,
    assert_mean,
    assert_proportion,
    assert_variance,
    negative_control,
)
from jaxsnn_noise import noise, theory
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.noise import Seam
from jaxsnn_noise.noise.power_law import RIPPLE

N = 8_000
SIGMA = 0.3
SLOW = pytest.mark.slow


def drawn(colour, dt, steps, n=N, amplitude=None, size=1, **policies):
    """Courses [stream, step, neuron] at the current seam."""
    source = noise.CurrentNoise(noise.PerStep(SIGMA) if amplitude is None else amplitude, colour=colour, **policies)
    return np.asarray(courses(source, context(Seam.CURRENT, np.zeros(size), dt), keys(n), steps, dt), np.float64)


RATES = [(100.0, 300.0), (400.0, 100.0), (200.0, 200.0)]
QUICK = [(0.1, 100.0, 300.0), (1.0, 400.0, 100.0)]
ALL = [(dt, *rates) for dt in (0.1, 0.25, 1.0) for rates in RATES]


@pytest.mark.parametrize(
    ("dt", "up", "down"), [case if case in QUICK else pytest.param(*case, marks=SLOW) for case in ALL]
)
def test_a_telegraph_has_its_two_levels_and_switches_with_its_rates_at_any_step(dt, up, down):
    x = drawn(noise.Telegraph(up, down), dt, 40)[:, :, 0] / SIGMA
    low, high, share = theory.telegraph_levels(up, down)
    np.testing.assert_allclose(np.unique(x.astype(np.float32)), [low, high], rtol=1e-6)
    at_high = x > 0
    for step in (0, 39):  # stationary from the start
        assert_proportion(at_high[:, step].sum(), N, share)
        assert_mean(x[:, step], 0.0)
        assert_variance(x[:, step], 1.0, kurtosis=None)
        negative_control(lambda a, s=step: assert_variance(a * x[:, s], 1.0, kurtosis=None))
        assert_mean(x[:, step] ** 3, low + high)
    before, after = at_high[:, :-1], at_high[:, 1:]
    mixed = -np.expm1(-(up + down) * dt / 1000)
    rises, falls = (after & ~before).sum(), (before & ~after).sum()  # each step decides anew, given where it starts
    assert_proportion(rises, (~before).sum(), share * mixed)
    assert_proportion(falls, before.sum(), (1 - share) * mixed)
    negative_control(lambda a: assert_proportion(rises, (~before).sum(), a * share * mixed))
    negative_control(lambda a: assert_proportion(falls, before.sum(), a * (1 - share) * mixed))
    # a product of two values of unit variance: the autocovariance
    assert_mean(x[:, 0] * x[:, 39], theory.telegraph_autocovariance(39 * dt, up, down))


@pytest.mark.slow
def test_many_small_steps_are_one_large_step():
    coarse, fine = (drawn(noise.Telegraph(100.0, 60.0), dt, steps)[:, :, 0] for dt, steps in ((2.0, 2), (0.1, 22)))
    exact = SIGMA**2 * theory.telegraph_autocovariance(2.0, 100.0, 60.0)
    for x, lag in ((coarse, 1), (fine, 20)):
        assert_mean(x[:, 0] * x[:, lag], exact)


@SLOW
def test_rare_switches_are_as_rare_as_they_should_be():
    """Single uniforms of 23 bits could not tell 1e-6 from 1.1e-6."""
    rate, dt, steps = 0.01, 0.1, 2000  # 1e-6 a step
    x = drawn(noise.Telegraph(rate, rate), dt, steps, n=2000, size=4)
    switches = np.sum(np.diff(np.sign(x), axis=1) != 0)
    assert_proportion(switches, x[:, 1:].size, -0.5 * np.expm1(-2 * rate * dt / 1000))


@pytest.mark.slow
@pytest.mark.parametrize("dt", [pytest.param(0.25, marks=SLOW), 1.0])
def test_a_membrane_under_a_telegraph_current_has_the_variance_of_theory(dt):
    free = jn.Population(
        jn.neurons.LeakyIntegrator(300, tau_mem=20.0),
        noise={"trap": noise.CurrentNoise(noise.PerStep(0.3), colour=noise.Telegraph(20.0, 80.0))},
    )
    found = second_moments(free, 400.0, dt)
    expected = float(theory.coloured_current_variance(0.3, tau_mem=20.0, tau_noise=10.0, dt=dt))
    assert_mean(found, expected)
    negative_control(lambda a: assert_mean(a * a * found, expected))


def second_moments(population, duration, dt):
    """The time averages of the squared potential [neuron]: neurons are independent."""
    sim = jn.Simulation(
        jn.Network({"free": population}),
        duration=duration,
        dt=dt,
        warmup=200.0,
        statistics={"v": jn.statistics.VoltageMoments()},
    )
    v = jn.simulate(sim, key=0)["v"]
    return np.asarray(v.variance, np.float64) * (1 - dt / duration) + np.asarray(v.mean, np.float64) ** 2


def test_a_common_telegraph_switches_all_neurons_and_independent_ones_are_uncorrelated():
    common, own = (
        drawn(noise.Telegraph(50.0, 50.0), 1.0, 2, size=2, correlation=c)[:, 1]
        for c in (noise.Common(), noise.Independent())
    )
    assert (common == common[:, :1]).all()
    assert_mean(own[:, 0] * own[:, 1], 0.0)


@pytest.mark.parametrize("law", [noise.Logistic(), noise.Uniform()])
def test_a_distribution_that_a_telegraph_cannot_have_is_refused(law):
    with pytest.raises(InputError, match=r"CurrentNoise.distribution: has no meaning for Telegraph"):
        noise.CurrentNoise(noise.PerStep(0.1), colour=noise.Telegraph(5.0, 5.0), distribution=law)


def test_a_correlation_that_a_telegraph_cannot_have_is_refused():
    with pytest.raises(InputError, match=r"CurrentNoise.correlation: must be Independent\(\) or Common\(\)"):
        noise.CurrentNoise(noise.PerStep(0.1), colour=noise.Telegraph(5.0, 5.0), correlation=noise.SharedFraction(0.5))


def simulated(colour, dt=1.0, **options):
    cells = jn.Population(jn.neurons.LIF(2), noise={"x": noise.CurrentNoise(noise.PerStep(0.1), colour=colour)})
    return jn.Simulation(jn.Network({"cells": cells}), duration=10.0, dt=dt, **options)


def test_a_switch_that_no_number_decides_is_refused():
    with pytest.raises(InputError, match=r"noise.x.colour.up_hz: must switch with a probability of at least 1e-10"):
        simulated(noise.Telegraph(1e-9, 1.0))
    simulated(noise.Telegraph(1e-3, 1.0))


@pytest.mark.parametrize("field", ["up_hz", "down_hz"])
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_rates_out_of_range_are_refused(field, bad):
    with pytest.raises(InputError, match=rf"Telegraph.{field}: must be finite and > 0 \[Hz\]"):
        noise.Telegraph(**({"up_hz": 5.0, "down_hz": 5.0} | {field: bad}))


BANDS = [pytest.param(0.5, 20.0, 200.0, marks=SLOW), (1.0, 5.0, 200.0), pytest.param(1.6, 20.0, 200.0, marks=SLOW)]


@pytest.mark.parametrize(("beta", "low", "high"), BANDS)
def test_a_power_law_is_stationary_with_the_autocovariance_of_theory(beta, low, high):
    dt, colour = 0.25, noise.PowerLaw(beta, low, high)
    x = drawn(colour, dt, 60)[:, :, 0]
    band = {"f_low_hz": low, "f_high_hz": high, "processes": colour.processes}
    for step in (0, 59):
        assert_mean(x[:, step], 0.0)
        assert_variance(x[:, step], SIGMA**2)
        negative_control(lambda a, s=step: assert_variance(a * x[:, s], SIGMA**2))
    for lag in (1, 4, 30, 59):
        assert_correlation(x[:, 0], x[:, lag], theory.power_law_autocovariance(lag * dt, beta, **band))
    with pytest.raises(Deviation):
        assert_correlation(x[:, 0], x[:, 1], 0.8 * theory.power_law_autocovariance(dt, beta, **band))


@pytest.mark.parametrize("beta", [pytest.param(0.5, marks=SLOW), 1.0, pytest.param(1.5, marks=SLOW)])
def test_the_spectrum_of_a_power_law_is_a_power_law_in_its_band(beta):
    """Hann-windowed periodograms, averaged over bins, against the sampled spectrum, itself within 10 % of the power law."""
    dt, steps, low, high = 0.1, 4096, 10.0, 300.0
    colour = noise.PowerLaw(beta, low, high)
    band = {"f_low_hz": low, "f_high_hz": high, "processes": colour.processes}
    x = drawn(colour, dt, steps, n=150)[:, :, 0] / SIGMA
    f, power = signal.periodogram(x, fs=1000 / dt, window="hann", detrend=False, return_onesided=False)
    bins = [(f > start) & (f < end) for start, end in [(25, 40), (50, 70), (100, 140), (200, 300)]]
    found = np.stack([power[:, chosen].mean(axis=1) for chosen in bins], axis=1)
    sampled = theory.power_law_spectrum(f, beta, **band, dt=dt)
    expected = [sampled[chosen].mean() for chosen in bins]
    assert_mean(found, expected)
    negative_control(lambda a: assert_mean(a * a * found, expected))
    inside = (f >= low) & (f <= high)
    law = theory.power_law_level(beta, **band) * f[inside] ** -beta
    np.testing.assert_allclose(sampled[inside], law, rtol=RIPPLE)


@pytest.mark.parametrize("beta", [0.02, 0.5, 1.0, 1.5, 1.98])
@pytest.mark.parametrize(("low", "high"), [(1.0, 2.0), (1.0, 1000.0), (0.001, 1000.0)])
def test_the_design_has_the_ripple_that_is_stated(beta, low, high):
    colour = noise.PowerLaw(beta, low, high)
    band = {"f_low_hz": low, "f_high_hz": high, "processes": colour.processes}
    f = np.geomspace(low, high, 2000)
    ratio = theory.power_law_spectrum(f, beta, **band) / (theory.power_law_level(beta, **band) * f**-beta)
    assert np.abs(ratio - 1).max() < (0.01 if beta == 1.0 else 0.04)
    wide = np.geomspace(1e-4 * low, 1e4 * high, 400_000)  # the integral over all frequencies is the variance
    whole = 2 * np.trapezoid(theory.power_law_spectrum(wide, beta, **band) * wide, np.log(wide))
    assert whole == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("beta", [0.3, 1.0, 1.9])
def test_the_processes_are_those_of_theory(beta):
    colour = noise.PowerLaw(beta, 2.0, 300.0)
    wanted = theory.power_law_processes(beta, f_low_hz=2.0, f_high_hz=300.0, processes=colour.processes)
    np.testing.assert_allclose(colour._design(), wanted, rtol=2e-5)


@SLOW
def test_a_membrane_under_a_power_law_has_the_summed_variance_of_its_processes():
    dt, colour = 0.25, noise.PowerLaw(1.0, 5.0, 100.0)
    source = noise.CurrentNoise(noise.PerStep(0.3), colour=colour)
    free = jn.Population(jn.neurons.LeakyIntegrator(300, tau_mem=20.0), noise={"flicker": source})
    found = second_moments(free, 400.0, dt)
    corners, variances = theory.power_law_processes(1.0, f_low_hz=5.0, f_high_hz=100.0, processes=colour.processes)
    tau = 1000 / (2 * np.pi * corners)
    expected = float(
        theory.coloured_current_variance(0.3 * np.sqrt(variances), tau_mem=20.0, tau_noise=tau, dt=dt).sum()
    )
    assert_mean(found, expected)
    negative_control(lambda a: assert_mean(a * a * found, expected))


def test_a_diffusion_of_a_colour_has_the_spectrum_of_white_noise_at_frequency_zero():
    power_law = noise.PowerLaw(1.0, 50.0, 300.0)
    level = theory.power_law_spectrum(0.0, 1.0, f_low_hz=50.0, f_high_hz=300.0, processes=power_law.processes)
    for colour, density in (
        (power_law, level),
        (noise.Telegraph(30.0, 50.0), theory.telegraph_spectrum(0.0, 30.0, 50.0)),
    ):
        source = noise.CurrentNoise(noise.Diffusion(SIGMA), colour=colour)
        variance = float(source.moments(context(Seam.CURRENT, np.zeros(1), 0.1), 0.1).variance[0])
        assert variance * density * 1000 == pytest.approx(SIGMA**2, rel=1e-5)  # per ms


@SLOW
def test_halving_dt_leaves_the_moments_of_a_power_law():
    for dt in (0.1, 0.2):
        x = drawn(noise.PowerLaw(1.0, 20.0, 150.0), dt, 2 * round(2.0 / dt), amplitude=noise.Diffusion(SIGMA))
        band = {"f_low_hz": 20.0, "f_high_hz": 150.0, "processes": 5}
        variance = SIGMA**2 / theory.power_law_spectrum(0.0, 1.0, **band) / 1000
        assert_variance(x[:, 0, 0], variance)
        lag = round(2.0 / dt)
        assert_correlation(x[:, 0, 0], x[:, lag, 0], theory.power_law_autocovariance(2.0, 1.0, **band))


def test_a_band_that_steps_cannot_hold_is_refused_with_the_step_that_serves():
    with pytest.raises(InputError, match=r"colour.f_high_hz: needs a dt of at most 0\.\d+ ms") as told:
        simulated(noise.PowerLaw(1.0, 1.0, 400.0))
    serves = float(str(told.value).split("at most ")[1].split(" ms")[0])
    assert 0.05 < serves < 0.5
    simulated(noise.PowerLaw(1.0, 1.0, 400.0), dt=0.1)
    with pytest.raises(InputError, match="needs a dt of at most"):
        jn.simulate(jn.paths.replace(simulated(noise.PowerLaw(1.0, 1.0, 30.0)), {PATH: 90.0}), key=0)


PATH = "network.cells.noise.x.colour.f_high_hz"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"beta": 0.0}, r"PowerLaw.beta: must lie in \(0, 2\)"),
        ({"beta": 2.0}, r"PowerLaw.beta: must lie in \(0, 2\)"),
        ({"f_low_hz": 0.0}, r"PowerLaw.f_low_hz: must be finite and > 0 \[Hz\]"),
        ({"f_high_hz": 0.5}, r"PowerLaw.f_high_hz: must lie above f_low_hz = 1 \[Hz\]"),
        ({"f_high_hz": 1e9}, r"PowerLaw.f_high_hz: must be a band of at most 10\^6.9"),
        ({"processes": 3}, r"PowerLaw.processes: must be in \[6, 13\]"),
        ({"processes": 14}, r"PowerLaw.processes: must be in \[6, 13\]"),
        ({"processes": 1}, r"PowerLaw.processes: must be a whole number >= 2"),
    ],
)
def test_a_power_law_that_has_no_design_is_refused(arguments, told):
    with pytest.raises(InputError, match=told):
        noise.PowerLaw(**({"beta": 1.0, "f_low_hz": 1.0, "f_high_hz": 100.0} | arguments))


@pytest.mark.slow
@pytest.mark.parametrize("colour", [noise.Telegraph(100.0, 40.0), noise.PowerLaw(1.0, 5.0, 30.0)])
def test_the_course_has_the_same_bits_for_one_member_and_many(colour):
    many = drawn(colour, 1.0, 50, n=5, size=3)
    for i, key in enumerate(keys(5)):
        source = noise.CurrentNoise(noise.PerStep(SIGMA), colour=colour)
        one = course(source, context(Seam.CURRENT, np.zeros(3), 1.0), key, 50, 1.0)
        np.testing.assert_array_equal(np.asarray(one, np.float64), many[i])


@SLOW
def test_a_study_has_the_same_bits_for_any_size_of_chunks():
    sim = simulated(noise.PowerLaw(1.0, 2.0, 30.0), statistics={"v": jn.statistics.Trace()})
    two, five = (jn.monte_carlo(sim, [jn.Trials(5)], key=4, progress=False, chunk=n) for n in (2, 5))
    for name in two.data_vars:
        np.testing.assert_array_equal(two[name], five[name])
