"""Poisson background: the quantile against scipy, moments, limits, gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxsnn_noise as jn
from helpers.pace import slow_but
from helpers.seams import context, courses, keys
from helpers.statistical import assert_mean, assert_variance, negative_control
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.counting import MOST_EVENTS, poisson
from jaxsnn_noise.noise import PoissonBackground, Seam

U = np.concatenate([np.linspace(2**-24, 1 - 2**-24, 4001), [1e-6, 1 - 1e-6]]).astype(np.float32)
quantile = jax.jit(poisson)


@pytest.mark.parametrize("mean", [0.0, 1e-3, 0.1, 1.0, 7.5, 30.0, MOST_EVENTS])
def test_the_quantile_is_that_of_scipy(mean):
    got = np.asarray(quantile(U, jnp.float32(mean)))
    wanted = stats.poisson.ppf(U.astype(np.float64), mean) if mean else np.zeros(U.size)
    # where u lies within float32 rounding of a step of the distribution function, either side is right
    edge = np.abs(stats.poisson.cdf(wanted, mean) - U) < 3e-6
    edge |= np.abs(stats.poisson.cdf(wanted - 1, mean) - U) < 3e-6
    np.testing.assert_array_equal(got[~edge], wanted[~edge])
    # of the last few in ten million there is only as much to say: they lie in the tail, where scipy's lie
    assert got[edge].max(initial=0) <= stats.poisson.isf(1e-9, max(mean, 1e-9))
    assert edge.mean() < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_mean_and_variance_are_those_of_shot_noise(dt):
    rate, charge, sources = 8.0, 0.2, 100.0
    source = PoissonBackground(rate, charge, sources)
    x = np.asarray(courses(source, context(Seam.CURRENT, np.zeros(1), dt), keys(20_000), 2, dt), np.float64)[:, 1, 0]
    expected = rate * sources * dt / 1000
    assert_mean(x, charge * expected / dt)
    assert_variance(x, charge**2 * expected / dt**2, kurtosis=3 + 1 / expected)
    negative_control(lambda a: assert_variance(a * x, charge**2 * expected / dt**2, kurtosis=3 + 1 / expected))


def test_no_rate_no_sources_or_no_charge_is_silent():
    for source in (
        PoissonBackground(0.0, 0.2, 9.0),
        PoissonBackground(8.0, 0.2, 0.0),
        PoissonBackground(8.0, 0.0, 9.0),
    ):
        drawn = courses(source, context(Seam.CURRENT, np.zeros(5), 1.0), keys(20), 2, 1.0)
        np.testing.assert_array_equal(drawn, np.zeros((20, 2, 5)))


def test_inhibition_is_the_mirror_of_excitation():
    at = context(Seam.CURRENT, np.zeros(5), 1.0)
    plus, minus = (courses(PoissonBackground(8.0, q, 100.0), at, keys(20), 2, 1.0) for q in (0.2, -0.2))
    np.testing.assert_array_equal(plus, -minus)


def test_the_gradient_with_respect_to_the_rate_is_that_of_the_mean():
    slope = jax.jit(jax.grad(lambda m: poisson(jnp.asarray(U), m).mean()))(jnp.float32(3.0))
    assert float(slope) == pytest.approx(1.0, rel=1e-5)


def background(rate, dt=1.0):
    cells = jn.Population(jn.neurons.LIF(2), noise={"background": PoissonBackground(rate, 0.1, 1000.0)})
    return jn.Simulation(jn.Network({"cells": cells}), duration=10.0, dt=dt)


PATH = "network.cells.noise.background.rate_hz"


def test_more_events_per_step_than_the_quantile_can_count_are_refused():
    limit = MOST_EVENTS  # kHz from 1000 sources of as many Hz, in steps of 1 ms
    background(limit)
    with pytest.raises(InputError, match=r"background: needs sources x rate_hz x dt/1000 <= 60"):
        background(1.01 * limit)
    background(1.01 * limit, dt=0.5)
    with pytest.raises(InputError, match="needs sources x rate_hz"):
        jn.simulate(jn.paths.replace(background(5.0), {PATH: 100.0}), key=0)
    with pytest.raises(InputError, match="needs sources x rate_hz"):
        jn.monte_carlo(background(5.0), [jn.Sweep(PATH, [5.0, 100.0])], key=0, progress=False)


@pytest.mark.parametrize("rate", slow_but([61.0, 150.0, 1e6, np.inf, -1.0, np.nan], [61.0, np.inf, np.nan]))
def test_what_no_check_sees_and_nobody_can_count_is_not_silence(rate):
    """A rate that is traced: far above its limit the distribution function underflows, and every count would be 0."""
    at = context(Seam.CURRENT, np.zeros(5), 1.0)
    drawn = jax.jit(lambda rate: courses(PoissonBackground(rate, 0.1, 1000.0), at, keys(2), 2, 1.0))
    assert np.isfinite(drawn(jnp.float32(MOST_EVENTS))).all()
    assert np.isnan(drawn(jnp.float32(rate))).all()
    counted = jax.jit(lambda rate: jn.simulate(jn.paths.replace(background(5.0), {PATH: rate}), key=0))
    assert counted(jnp.float32(MOST_EVENTS))["health_cells"].nonfinite == 0
    assert counted(jnp.float32(rate))["health_cells"].nonfinite == 2


@pytest.mark.parametrize(
    ("field", "bad"), [("rate_hz", -1.0), ("sources", -1.0), ("charge", np.nan), ("rate_hz", np.inf)]
)
def test_parameters_out_of_range_are_refused(field, bad):
    with pytest.raises(InputError, match=rf"PoissonBackground.{field}: must be finite"):
        PoissonBackground(**({"rate_hz": 5.0, "charge": 0.1} | {field: bad}))
