"""Poisson backgrounds: counts against their law, moments against closed forms, limits, exact sums."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxsnn_noise as jn
from helpers.counts import assert_counts, counted
from helpers.statistical import assert_correlation, assert_mean, assert_variance, negative_control
from jaxsnn_noise.coding import CorrelatedPoisson, InhomogeneousPoisson, PoissonCounts
from jaxsnn_noise.counting import MOST_EVENTS, binomial, largest_poisson

SIZE, STEPS = 250, 400


def poisson(mean: float) -> Any:
    return stats.poisson(mean).pmf


# counts


@pytest.mark.parametrize("mean", [0.01, 0.1, 1.0, 10.0, MOST_EVENTS])
def test_counts_follow_the_poisson_law_up_to_the_limit(mean: float) -> None:
    found = counted(PoissonCounts(1000.0 * mean, largest=105), SIZE, STEPS, 1.0)
    assert np.max(found) <= largest_poisson(mean)
    assert_counts(found, poisson(mean))
    negative_control(lambda a: assert_counts(found, poisson(a * mean)))


@pytest.mark.slow
def test_one_channel_has_the_law_of_many_and_dt_halved_leaves_windows_alone() -> None:
    one = np.asarray(counted(PoissonCounts(300.0), 1, 40_000, 0.25))
    assert_counts(one, poisson(0.075))
    fine = np.asarray(counted(PoissonCounts(300.0), SIZE, STEPS, 0.125)).reshape(STEPS // 2, 2, SIZE).sum(axis=1)
    assert_counts(fine, poisson(0.075))
    spikes = np.asarray(counted(jn.coding.PoissonSpikes(3000.0), SIZE, STEPS, 0.25))  # at most one: too regular
    assert_variance(spikes.ravel(), 0.75 * np.exp(-0.75) * (1 - np.exp(-0.75)) / 0.75, kurtosis=None)


@pytest.mark.slow
def test_channels_and_steps_are_independent() -> None:
    found = np.asarray(counted(PoissonCounts(8000.0, largest=32), SIZE, STEPS, 1.0), float)
    assert_correlation(found[:-1].ravel(), found[1:].ravel(), 0.0)
    assert_correlation(found[:, :-1].ravel(), found[:, 1:].ravel(), 0.0)
    more = np.asarray(counted(PoissonCounts(8000.0, largest=32), SIZE + 3, STEPS, 1.0))
    np.testing.assert_array_equal(more[:, :SIZE], found)  # of a larger port the first channels are the same


def test_the_gradient_of_a_count_is_that_of_its_mean() -> None:
    slope = jax.grad(lambda rate: counted(PoissonCounts(rate, largest=32), 20, 4, 0.5).mean())(jnp.float32(8000.0))
    assert float(slope) == pytest.approx(0.5e-3, rel=1e-5)


# modulated


def test_a_rate_in_time_is_the_array_or_the_integral_of_the_function() -> None:
    rates = 1000.0 + 900.0 * np.sin(np.arange(STEPS) / 30.0)
    array = np.asarray(counted(InhomogeneousPoisson(rates, largest=20), 2000, STEPS, 0.5), float)
    assert_mean((array.mean(axis=1), np.sqrt(rates * 0.5e-3 / 2000)), rates * 0.5e-3)
    assert_variance(array.T[:, 100:140], rates[100:140] * 0.5e-3, kurtosis=None)

    def check(amplitude: float) -> None:
        assert_mean((amplitude * array.mean(axis=1), np.sqrt(rates * 0.5e-3 / 2000)), rates * 0.5e-3)

    negative_control(check)
    edges = np.arange(STEPS + 1) * 0.5
    wave = InhomogeneousPoisson(1000.0, course=lambda t: 1.0 + 0.9 * jnp.sin(t / 5.0), largest=20)
    exact = np.diff(edges - 4.5 * np.cos(edges / 5.0))
    drawn = np.asarray(counted(wave, 2000, STEPS, 0.5), float)
    assert_mean((drawn.mean(axis=1), np.sqrt(exact / 2000)), exact)


def test_the_integral_over_a_step_is_of_fourth_order() -> None:
    class Cubic(eqx.Module):
        a: Any

        def __call__(self, t: Any) -> Any:
            return self.a * (1.0 + t**3)

    source = InhomogeneousPoisson(1.0, course=Cubic(jnp.float32(2.0)))
    for index in (0, 3):
        a, b = index * 0.5, (index + 1) * 0.5
        exact = 2.0 * ((b - a) + (b**4 - a**4) / 4) / 0.5
        assert float(source._relative(index, 0.5)) == pytest.approx(exact, rel=1e-6)
    wave = InhomogeneousPoisson(1.0, course=lambda t: 1.0 + jnp.cos(0.5 * t))
    for dt in (1.0, 0.5):
        exact = 1.0 + (np.sin(0.5 * 4 * dt) - np.sin(0.5 * 3 * dt)) / (0.5 * dt)
        assert abs(float(wave._relative(3, dt)) - exact) < 1.2 * (0.5 * dt) ** 4 / 4320 + 3e-7


# correlated


def test_correlated_channels_are_poisson_with_the_correlation_of_any_window() -> None:
    rate, c = 4000.0, 0.3
    found = np.asarray(counted(CorrelatedPoisson(rate, c, largest=40), 5, 40_000, 1.0), float)
    assert_counts(found[:, 0], poisson(4.0))
    assert_counts(found[:, 4], poisson(4.0))
    pooled = found.reshape(8000, 5, 5).sum(axis=1)
    for counts in (found, pooled):
        i, j = np.triu_indices(5, 1)
        assert_correlation(counts[:, i], counts[:, j], c)

    def check(factor: float) -> None:
        assert_correlation(found[:, :1], found[:, 1:2], factor * c)

    negative_control(check)
    assert_correlation(found[:-1, 0], found[1:, 1], 0.0)


@pytest.mark.slow
def test_correlations_of_copies_are_of_all_orders() -> None:
    """``E[(k_1 - m)(k_2 - m)(k_3 - m)]`` is ``c^2`` of the mean for copies of one mother, and 0 for pairwise correlations."""
    found = np.asarray(counted(CorrelatedPoisson(400.0, 0.5, largest=40), 9, 40_000, 1.0), float) - 0.4
    triples = np.mean([found[:, i] * found[:, j] * found[:, k] for i, j, k in combinations(range(9), 3)], axis=0)

    def check(factor: float) -> None:
        assert_mean(triples, 0.4 * (factor * 0.5) ** 2)

    check(1.0)
    negative_control(check)


@pytest.mark.slow
def test_at_the_ends_of_the_correlation_channels_are_one_or_nearly_independent() -> None:
    same = np.asarray(counted(CorrelatedPoisson(4000.0, 1.0, largest=40), 5, 200, 1.0))
    assert (same == same[:, :1]).all()
    assert same.std() > 0
    near = np.asarray(counted(CorrelatedPoisson(400.0, 0.01, largest=100), 5, 20_000, 1.0), float)
    assert_counts(near[:, 0], poisson(0.4))


@pytest.mark.slow
@pytest.mark.parametrize("p", [0.0, 0.3, pytest.param(0.02, marks=pytest.mark.slow), 0.5, 0.77, 0.999, 1.0])
def test_the_binomial_quantile_is_that_of_scipy(p: float) -> None:
    u = (np.arange(2001) + 0.5) / 2001
    for n in (0, 1, 7, 105):
        got = np.asarray(jax.jit(binomial)(jnp.float32(u), jnp.float32(n), jnp.float32(p)))
        wanted = stats.binom.ppf(u, n, np.float64(np.float32(p)))
        edge = np.abs(stats.binom.cdf(wanted, n, p) - u) < 1e-5
        edge |= np.abs(stats.binom.cdf(wanted - 1, n, p) - u) < 1e-5
        np.testing.assert_array_equal(got[~edge], wanted[~edge])
        assert edge.mean() < 0.05 or p in (0.0, 1.0) or n == 0
        assert got.max() <= n
        assert got.min() >= 0
    slopes = jax.grad(lambda n, p: binomial(jnp.float32(u), n, p).mean(), argnums=(0, 1))(
        jnp.float32(7), jnp.float32(p)
    )
    np.testing.assert_allclose(slopes, [p, 7.0], rtol=1e-5)


# in a network


def fed(source: Any, sizes: tuple[int, int] = (20, 10), dt: float = 1.0, **options: Any) -> jn.Simulation:
    weights = np.random.default_rng(1).uniform(0.0, 0.2, (sizes[1], sizes[0]))
    parts = {"port": jn.Port(sizes[0]), "cells": jn.Population(jn.neurons.LIF(sizes[1], tau_mem=5.0))}
    feed = jn.synapses.Dense("port", "cells", weights, kinetics=jn.synapses.Exponential(3.0))
    settings = {"duration": 40.0, "dt": dt, "statistics": {"t": jn.statistics.Trace(("current", "spikes"))}}
    return jn.Simulation(jn.Network(parts, {"feed": feed}), {"port": source}, **(settings | options))


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        PoissonCounts(2000.0, largest=16),
        CorrelatedPoisson(2000.0, 0.5, largest=24),
        jn.coding.GammaRenewal(2000.0, 3, fibres=3, largest=40),
    ],
    ids=lambda source: type(source).__name__,
)
def test_sums_of_counts_have_the_same_bits_alone_and_in_a_batch(source: Any) -> None:
    sim = fed(source)
    alone = jn.simulate(sim, key=3, address={"trial": 2})["t"].current
    many = jn.monte_carlo(sim, [jn.Trials(4)], key=3, progress=False, chunk=4)["t_current"].values
    assert np.abs(alone).max() > 0
    np.testing.assert_array_equal(alone, many[2])


RATE = "inputs.port.values"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "beyond"),
    [
        (PoissonCounts(20.0), 61_000.0),
        (CorrelatedPoisson(20.0, 0.5), 31_000.0),
        (jn.coding.GammaRenewal(20.0, 4), 16_000.0),
    ],
    ids=lambda x: type(x).__name__ if not isinstance(x, float) else "",
)
def test_beyond_the_limit_it_is_refused_and_where_nobody_looks_counted_as_nan(source: Any, beyond: float) -> None:
    sim = fed(source)
    with pytest.raises(jn.InputError, match=r"inputs.port.values: needs at most 60 events per step of 1 ms"):
        jn.simulate(jn.paths.replace(sim, {RATE: beyond}), key=0)
    with pytest.raises(jn.InputError, match=r"at most 60 events"):
        jn.monte_carlo(sim, [jn.Sweep(RATE, [5.0, beyond])], key=0, progress=False)
    counts = jax.jit(lambda rate: jn.simulate(jn.paths.replace(sim, {RATE: rate}), key=0)["health_cells"].nonfinite)
    assert int(counts(jnp.float32(20.0))) == 0
    for rate in (beyond, jnp.inf, -1.0, jnp.nan):
        assert int(counts(jnp.float32(rate))) == 10


def test_a_largest_that_the_rates_exceed_is_refused_with_the_one_that_serves() -> None:
    fed(PoissonCounts(90.0))
    with pytest.raises(jn.InputError, match=r"inputs.port.largest: must be at least 10, .* in a step of 1 ms; got 4"):
        fed(PoissonCounts(1000.0))
    fed(PoissonCounts(1000.0, largest=10))
    fed(PoissonCounts(1000.0), dt=0.05)
    rates = np.full(40, 50.0)
    rates[17] = 1000.0
    with pytest.raises(jn.InputError, match=r"largest: must be at least 10"):
        fed(InhomogeneousPoisson(rates))
    with pytest.raises(jn.InputError, match=r"largest: must be at least 12"):
        fed(InhomogeneousPoisson(1000.0, course=lambda t: 1.0 + jnp.cos(t)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PoissonCounts(-1.0), r"PoissonCounts.values: must be finite and >= 0 \[Hz\]"),
        (lambda: CorrelatedPoisson(10.0, 0.0), r"CorrelatedPoisson.correlation: must lie in \(0, 1\]"),
        (lambda: CorrelatedPoisson(10.0, 1.1), r"must lie in \(0, 1\]"),
        (lambda: fed(CorrelatedPoisson(np.full(20, 5.0), 0.1)), r"inputs.port.values: must be one rate"),
        (lambda: fed(PoissonCounts(np.ones(19))), r"inputs.port.values: must be one number or have the shape \(20,\)"),
        (lambda: fed(InhomogeneousPoisson(10.0)), r"\(40, 20\) \[time, neuron\] or \(40,\); one rate needs a course"),
        (lambda: fed(InhomogeneousPoisson(np.ones(39))), r"inputs.port.values: must have the shape"),
        (lambda: fed(InhomogeneousPoisson(9.0, course=lambda t: 1.0 - t)), r"inputs.port.course: must be >= 0 at all times"),
        (lambda: fed(InhomogeneousPoisson(9.0, course=lambda t: t * jnp.nan)), r"course: must be >= 0 at all times"),
        (lambda: fed(InhomogeneousPoisson(9e4, course=lambda t: 1.0)), r"values: needs at most 60 events"),
        (lambda: fed(InhomogeneousPoisson(9e3, course=lambda t: t)), r"course: needs at most 60 events"),
        (lambda: fed(PoissonCounts(10.0, largest=0)), r"largest: must be a whole number >= 1; got 0"),
    ],
)  # fmt: skip
def test_bad_input_is_named(make: Any, message: str) -> None:
    with pytest.raises(jn.InputError, match=message):
        make()
