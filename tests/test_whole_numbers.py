"""Counts of spikes in a step: exact sums up to the largest whole number that a signal declares, NaN above it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn

STEPS, SOURCES = 40, 200


def counted(counts: np.ndarray, largest: int) -> jn.Simulation:
    rng = np.random.default_rng(1)
    parts = {"port": jn.Port(SOURCES), "cells": jn.Population(jn.neurons.LIF(30, tau_mem=5.0))}
    feed = jn.synapses.Dense("port", "cells", rng.uniform(0.0, 0.2, (30, SOURCES)))  # nothing cancels
    signal = {"port": jn.coding.SpikeTrain(counts, largest=largest)}
    network = jn.Network(parts, {"feed": feed})
    statistics = {"t": jn.statistics.Trace(("current", "spikes"))}
    return jn.Simulation(network, signal, duration=float(STEPS), dt=1.0, statistics=statistics)


def counts(mean: float = 3.0) -> np.ndarray:
    return np.minimum(np.random.default_rng(0).poisson(mean, (STEPS, SOURCES)), 15)


@pytest.mark.slow
def test_sums_of_counts_have_the_same_bits_in_any_batch() -> None:
    sim = counted(counts(), 15)
    one = jn.simulate(sim, key=0)["t"].current
    many = jn.monte_carlo(sim, [jn.Trials(8)], key=0, progress=False, chunk=8)["t_current"].values
    whole = jn.simulate(sim, key=0, backend=jn.Scan(schedule=jn.ByComponent()))["t"].current
    for other in (*many, whole):
        np.testing.assert_array_equal(one, other)


def test_without_the_declaration_they_have_not() -> None:
    """The negative control, in one product: a grid for spikes is too fine for sums of counts."""
    rng = np.random.default_rng(2)
    weights = rng.uniform(0.0, 0.2, (64, SOURCES))  # nothing cancels
    projection = jn.synapses.Dense("a", "b", weights)
    signal = jnp.asarray(counts(), jnp.float32)
    order = rng.permutation(SOURCES)
    shuffled = jn.synapses.Dense("a", "b", weights[:, order])
    for largest, equal in ((15, True), (1, False)):
        a = projection.arrivals(projection.prepared(largest), signal)
        b = shuffled.arrivals(shuffled.prepared(largest), signal[:, order])
        assert np.array_equal(a, b) is equal


@pytest.mark.parametrize("largest", [1, 2, 3, 4, 15, 16])
def test_the_grid_is_coarser_by_the_bits_of_the_largest_number(largest: int) -> None:
    weights = jnp.asarray(np.random.default_rng(3).normal(size=(20, 100)), jnp.float32)
    fine, coarse = (jn.synapses.ExactSums().prepare(weights, n) for n in (1, largest))
    moved = np.abs(np.asarray(coarse, np.float64) - np.asarray(weights, np.float64)).max(axis=1)
    first = np.abs(np.asarray(fine, np.float64) - np.asarray(weights, np.float64)).max(axis=1)
    bits = int(np.ceil(np.log2(largest)))
    assert (moved <= first * 2**bits * 2.5).all()
    bound = np.abs(np.asarray(coarse, np.float64)).sum(axis=1) * largest
    # all partial sums are multiples of the grid below 2^24 of its units: integers in float32
    grid = 2.0 ** (np.ceil(np.log2(bound)) - 23)
    scaled = np.asarray(coarse, np.float64) / (grid[:, None] / 2)
    np.testing.assert_array_equal(scaled, np.round(scaled))


def test_a_value_above_the_largest_becomes_nan_and_is_counted() -> None:
    """Where no check sees values: inside a program."""
    sim = counted(counts(), 15)
    beyond = counts().astype(np.float32)
    beyond[20, 7] = 16

    @jax.jit
    def health(values: Any) -> Any:
        changed = jn.paths.replace(sim, {"inputs.port.values": values})
        return jn.simulate(changed, key=0)["health_cells"].nonfinite

    assert int(health(counts())) == 0
    assert int(health(beyond)) == 30


def test_values_that_are_no_counts_are_refused() -> None:
    for value, message in ((16, ".*largest = 15"), (0.5, "whole numbers"), (-1, "whole numbers")):
        broken = counts().astype(np.float32)
        broken[3, 3] = value
        with pytest.raises(jn.InputError, match=f"SpikeTrain.values: must be {message}"):
            counted(broken, 15)
    with pytest.raises(jn.InputError, match=r"SpikeTrain.values: .*spikes are 0 or 1"):
        counted(counts(), 1)
    with pytest.raises(jn.InputError, match=r"SpikeTrain.largest: must be a whole number >= 1; got 0"):
        jn.coding.SpikeTrain(counts(), largest=0)


def test_a_fixed_grid_holds_sums_of_any_weights_below_its_bound() -> None:
    rng = np.random.default_rng(4)
    weights = rng.uniform(0, 2.0, (50, 300)).astype(np.float32)
    fixed = jn.synapses.Dense("a", "b", weights, sums=jn.synapses.FixedSums(2.0))
    order = rng.permutation(300)
    shuffled = jn.synapses.Dense("a", "b", weights[:, order], sums=jn.synapses.FixedSums(2.0))
    spikes = jnp.asarray(rng.random((20, 300)) < 0.7, jnp.float32)
    a = fixed.arrivals(fixed.prepared(), spikes)
    np.testing.assert_array_equal(a, shuffled.arrivals(shuffled.prepared(), spikes[:, order]))
    one_less = jn.paths.replace(fixed, {"weights": np.where(weights == weights.max(), 0.0, weights)})
    kept = np.asarray(weights) != weights.max()
    np.testing.assert_array_equal(np.asarray(fixed.prepared())[kept], np.asarray(one_less.prepared())[kept])
    with pytest.raises(jn.InputError, match=r"feed.weights: must lie within the bound of their sums, w_max = 1"):
        jn.synapses.Dense("a", "b", weights, sums=jn.synapses.FixedSums(1.0)).check("feed", 300, 50)
    beyond = jax.jit(lambda w: jn.paths.replace(fixed, {"weights": w}).prepared())(weights + 1.0)
    np.testing.assert_array_equal(np.isnan(beyond), weights + 1.0 > 2.0)
