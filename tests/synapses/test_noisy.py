"""Weights that are read with noise: the law of a use, beside frozen deviations; exact sums; what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import Deviation, assert_correlation, assert_ks, assert_mean, assert_variance, negative_control
from jaxsnn_noise import random, theory
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.synapses import Conductance, Dense, NoisyDense

WEIGHTS = np.array([[0.5, -0.2, 0.0, 0.3], [0.1, 0.0, 0.0, -0.4]], np.float32)
N = 20_000


def reads(projection, released, n=N):
    """Arrivals [step, target] of one signal in so many steps."""
    prepared, key = projection.prepared(3), random.stream(random.root(4), "projections.test")
    seen, signal = Seen(None, jnp.zeros(2)), jnp.asarray(released, jnp.float32)

    def one(number):
        ticks = [random.Tick(key, number, lane) for lane in (0, 1)]
        return jnp.stack([projection.transmit(prepared, None, signal, seen, tick, 1.0)[0] for tick in ticks])

    return np.asarray(jax.jit(jax.vmap(one))(jnp.arange(n // 2, dtype=jnp.uint32)), np.float64).reshape(n, 2)


@pytest.mark.slow
@pytest.mark.parametrize("released", [[1.0, 1.0, 1.0, 0.0], [0.0, 3.0, 1.0, 1.0]])
@pytest.mark.parametrize("spread", [{"additive": 0.1}, {"relative": 0.3}, {"additive": 0.05, "relative": 0.2}])
def test_each_use_has_the_mean_of_the_weights_and_the_variance_of_theory(released, spread):
    x = reads(NoisyDense("a", "b", WEIGHTS, **spread), released)
    expected = theory.read_noise_variance(WEIGHTS, released, **spread)
    silent = expected == 0
    np.testing.assert_allclose(
        x[:, silent], np.broadcast_to((WEIGHTS @ released)[silent], x[:, silent].shape), atol=1e-6
    )
    x, expected, mean = x[:, ~silent], expected[~silent], (WEIGHTS @ released)[~silent]
    assert_mean(x, mean)
    assert_variance(x, expected)
    negative_control(lambda a: assert_variance(mean + a * (x - mean), expected))
    for target in range(x.shape[1]):
        assert_ks((x[:, target] - mean[target]) / np.sqrt(expected[target]), lambda y: jax.scipy.special.ndtr(y))
    assert_correlation(x[:-1], x[1:], 0.0)  # another number at each use


@pytest.mark.slow
def test_the_sum_has_the_law_of_reads_drawn_one_by_one():
    """Against an independent loop over all synapses in double precision."""
    rng, signal = np.random.default_rng(3), np.array([1.0, 1.0, 1.0, 1.0])
    std = np.where(WEIGHTS != 0, np.sqrt(0.05**2 + (0.2 * WEIGHTS) ** 2), 0.0)
    apart = (WEIGHTS + std * rng.normal(size=(N, 2, 4))) @ signal
    x = reads(NoisyDense("a", "b", WEIGHTS, additive=0.05, relative=0.2), signal)
    for order in (1, 2, 4):
        both = [np.mean(y**order, axis=0) for y in (x, apart)]
        error = np.sqrt(np.var(x**order, axis=0) / N + np.var(apart**order, axis=0) / N)
        assert_mean((both[0] - both[1], error), 0.0)
    assert_correlation(x[:, 0], x[:, 1], 0.0)  # no synapse is shared
    with pytest.raises(Deviation):
        assert_variance(x, 1.44 * std**2 @ signal)


def test_nothing_is_read_without_a_signal_or_a_spread():
    assert not reads(NoisyDense("a", "b", WEIGHTS, additive=0.1), np.zeros(4), 20).any()
    clean = reads(NoisyDense("a", "b", WEIGHTS), np.ones(4), 20)
    dense = Dense("a", "b", WEIGHTS)
    np.testing.assert_array_equal(clean, np.broadcast_to(dense.arrivals(dense.prepared(3), jnp.ones(4)), (20, 2)))


def network(cv=0.0):
    rng = np.random.default_rng(0)
    feed = NoisyDense("port", "cells", rng.uniform(0.1, 0.3, (12, 80)), additive=0.02, relative=0.1)
    parts = {"port": jn.Port(80), "cells": jn.Population(jn.neurons.LIF(12, tau_mem=5.0))}
    law = jn.laws.LogNormal(cv=cv)
    return jn.Simulation(
        jn.Network(parts, {"feed": feed}),
        {"port": jn.coding.PoissonSpikes(100.0)},
        imperfections={"chip": jn.hardware.Mismatch("network.feed.weights", law=law, per="synapse")},
        duration=40.0,
        dt=0.5,
        statistics={"x": jn.statistics.Trace(("current", "spikes"))},
    )


@pytest.mark.slow
def test_currents_have_the_same_bits_alone_and_in_a_batch_and_chips_keep_their_weights():
    sim = network(0.2)
    many = jn.monte_carlo(sim, [jn.Devices(2), jn.Trials(2)], key=0, progress=False, chunk=4)["x_current"].values
    alone = jn.simulate(sim, key=0, address={"device": 1, "trial": 1})["x"]["current"]
    np.testing.assert_array_equal(alone, many[1, 1])
    assert np.any(many[0, 0] != many[1, 0])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"additive": -0.1}, r"NoisyDense.additive: must be finite and >= 0 \[nA\]"),
        ({"relative": -0.1}, r"NoisyDense.relative: must be finite and >= 0"),
        ({"relative": np.nan}, r"NoisyDense.relative: must be finite and >= 0"),
    ],
)
def test_a_spread_out_of_range_is_refused(options, told):
    with pytest.raises(InputError, match=told):
        NoisyDense("a", "b", WEIGHTS, **options)


def test_a_conductance_that_noise_could_make_negative_is_refused():
    feed = NoisyDense("a", "b", np.ones((2, 2)), relative=0.1, kinetics=Conductance(5.0, reversal=0.0))
    with pytest.raises(InputError, match=r"feed.kinetics: must give currents"):
        jn.Network({"a": jn.Port(2), "b": jn.Population(jn.neurons.LIF(2))}, {"feed": feed})
