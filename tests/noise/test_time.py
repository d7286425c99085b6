"""Noise in time: diffusions do not depend on dt, multiplicative calculus, coloured noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.seams import context, courses, keys
from helpers.statistical import assert_correlation, assert_mean, assert_variance, negative_control
from jaxsnn_noise import noise, random
from jaxsnn_noise.noise import Context, Seam

N = 8_000


def brownian(dt):
    """The voltage seam of a membrane without leak."""
    root = jnp.float32(np.sqrt(dt))
    return Context(jnp.zeros(1), white=root, step=root, rate=jnp.float32(dt))


@pytest.mark.parametrize("dt", [0.25, 5.0])
@pytest.mark.parametrize("seam", [Seam.VOLTAGE, Seam.CURRENT])
def test_what_a_diffusion_gathers_in_10_ms_does_not_depend_on_dt(seam, dt):
    # a voltage gathers kicks, a current gathers charge: both have the variance sigma^2 T
    make, at, weight = noise.VoltageNoise, brownian(dt), 1.0
    if seam is Seam.CURRENT:
        make, at, weight = noise.CurrentNoise, context(seam, np.zeros(1), dt), dt
    drawn = np.asarray(courses(make(noise.Diffusion(0.3)), at, keys(N), round(10 / dt), dt), np.float64)

    def check(amplitude):
        assert_variance(amplitude * weight * drawn[:, :, 0].sum(axis=1), 0.3**2 * 10)

    check(1.0)
    negative_control(check)


def test_noise_per_step_does_depend_on_dt():
    spread = {}
    for dt in (1.0, 0.25):
        drawn = courses(noise.VoltageNoise(noise.PerStep(0.3)), brownian(dt), keys(N), round(10 / dt), dt)
        assert_variance(np.asarray(drawn)[:, :, 0].sum(axis=1), 0.3**2 * 10 / dt)
        spread[dt] = float(np.var(drawn.sum(axis=1)))
    assert spread[0.25] > 3 * spread[1.0]


def grown(interpretation, sigma, dt, steps):
    """A value of one after multiplicative diffusion through many steps, in N streams."""
    source = noise.VoltageNoise(noise.Diffusion(sigma), coupling=noise.Multiplicative(interpretation))
    root = jnp.float32(np.sqrt(dt))

    def step(value, number):
        at = Context(value, white=root, step=root, rate=jnp.float32(dt))
        return value + source.draw(None, at, random.Tick(keys(1)[0], number, 0), dt)[0], None

    run = jax.jit(lambda: jax.lax.scan(step, jnp.ones(N), jnp.arange(steps, dtype=jnp.uint32))[0])
    return np.asarray(run(), np.float64)


@pytest.mark.parametrize("dt", [0.5, 2.0])
def test_ito_keeps_the_mean_and_stratonovich_lets_it_grow(dt):
    sigma, total = 0.3, 6.0
    ito = grown(noise.Ito(), sigma, dt, round(total / dt))
    assert_mean(ito, 1.0)
    assert_mean(ito**2, (1 + sigma**2 * dt) ** (total / dt))
    stratonovich = grown(noise.Stratonovich(), sigma, dt, round(total / dt))
    assert (stratonovich > 0).all()
    # geometric Brownian motion, exact at any dt: ln v is Gaussian with variance sigma^2 T
    assert_mean(np.log(stratonovich), 0.0)
    assert_variance(np.log(stratonovich), sigma**2 * total)
    assert_mean(stratonovich, np.exp(sigma**2 * total / 2))
    negative_control(lambda a: assert_variance(a * np.log(stratonovich), sigma**2 * total))


@pytest.mark.parametrize("tau", [0.7, 4.0])
def test_ornstein_uhlenbeck_is_stationary_from_the_start_with_exponential_memory(tau):
    dt, sigma = 0.5, 0.3
    source = noise.CurrentNoise(noise.PerStep(sigma), colour=noise.OrnsteinUhlenbeck(tau))
    x = np.asarray(courses(source, context(Seam.CURRENT, np.zeros(1), dt), keys(N), 40, dt), np.float64)[:, :, 0]
    for step in (0, 1, 39):
        assert_variance(x[:, step], sigma**2)
        negative_control(lambda a, s=step: assert_variance(a * x[:, s], sigma**2))
    for lag in (1, 2, 7):
        for start in (0, 1):
            assert_correlation(x[:, start], x[:, start + lag], np.exp(-lag * dt / tau))
    with pytest.raises(AssertionError):
        assert_correlation(x[:, 0], x[:, 1], np.exp(-dt / (1.2 * tau)))


def test_the_memory_starts_with_a_number_of_its_own():
    # the first value must not be the innovation of some step
    source = noise.CurrentNoise(noise.PerStep(1.0), colour=noise.OrnsteinUhlenbeck(1e-3))  # forgets at once
    x = np.asarray(courses(source, context(Seam.CURRENT, np.zeros(1), 1.0), keys(N), 4, 1.0), np.float64)[:, :, 0]
    for step in (1, 2, 3):
        assert_correlation(x[:, 0], x[:, step], 0.0)


@pytest.mark.parametrize("tau", [1.0, 5.0])
def test_the_correlation_time_is_that_of_a_long_average(tau):
    dt, steps = 0.5, 400
    source = noise.CurrentNoise(noise.PerStep(1.0), colour=noise.OrnsteinUhlenbeck(tau))
    at = context(Seam.CURRENT, np.zeros(1), dt)
    mean = np.asarray(courses(source, at, keys(N), steps, dt), np.float64)[:, :, 0].mean(axis=1)
    b = np.exp(-dt / tau)  # the exact variance of an average of an AR(1) series
    exact = (1 + b) / (1 - b) / steps - 2 * b * (1 - b**steps) / (1 - b) ** 2 / steps**2
    assert_variance(mean, exact)
    theory = 2 * float(source.moments(at, dt).correlation_time) / (steps * dt)
    assert theory == pytest.approx(exact, rel=0.06)  # its leading order: off by tau/T and (dt/tau)^2/12


def test_fast_colour_tends_to_the_white_diffusion():
    # dt << tau << T: the same charge as white noise of that intensity, low by tau/T
    dt, tau, steps = 0.05, 0.5, 2000
    source = noise.CurrentNoise(noise.Diffusion(0.3), colour=noise.OrnsteinUhlenbeck(tau))
    drawn = np.asarray(courses(source, context(Seam.CURRENT, np.zeros(1), dt), keys(2000), steps, dt), np.float64)
    b = np.exp(-dt / tau)
    exact = ((1 + b) / (1 - b) / steps - 2 * b * (1 - b**steps) / (1 - b) ** 2 / steps**2) * (0.3**2 / (2 * tau))
    assert_variance(drawn[:, :, 0].mean(axis=1) * steps * dt, exact * (steps * dt) ** 2)
    assert exact * (steps * dt) ** 2 == pytest.approx(0.3**2 * steps * dt, rel=0.01)


@pytest.mark.parametrize("distribution", [noise.Laplace, noise.Uniform])
def test_moments_hold_for_every_innovation_and_colour(distribution):
    source = noise.CurrentNoise(noise.PerStep(0.3), colour=noise.OrnsteinUhlenbeck(2.0), distribution=distribution())
    x = np.asarray(courses(source, context(Seam.CURRENT, np.zeros(1), 0.5), keys(N), 8, 0.5), np.float64)[:, 7, 0]
    assert_mean(x, 0.0)
    assert_variance(x, 0.09, kurtosis=None)
    negative_control(lambda a: assert_variance(a * x, 0.09, kurtosis=None))
