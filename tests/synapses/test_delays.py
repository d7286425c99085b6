"""Delays of single synapses: arrivals against a plain loop, the same bits in any batch, and what is refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise.synapses import DelayedSparse, Exponential, Sparse

RNG = np.random.default_rng(3)
WEIGHTS = np.where(RNG.random((6, 9)) < 0.6, RNG.normal(size=(6, 9)), 0).astype(np.float32)
ROWS, COLUMNS = np.nonzero(WEIGHTS)  # by target: not the order that a projection keeps
OFFSETS = 0.5 * RNG.integers(0, 8, len(ROWS))
TRAIN = RNG.random((60, 9)) < 0.2


def projection(offsets: Any = OFFSETS, **options: Any) -> DelayedSparse:
    graph = {"size": (6, 9), "rows": ROWS, "columns": COLUMNS, "weights": WEIGHTS[ROWS, COLUMNS]}
    return DelayedSparse("port", "cells", **graph, offsets=offsets, **options)


def simulation(feed: Any, *, dt: float = 0.5, train: Any = TRAIN, largest: int = 1) -> jn.Simulation:
    parts = {"port": jn.Port(9), "cells": jn.Population(jn.neurons.LIF(6))}
    source = jn.coding.SpikeTrain(train, largest=largest)
    course = {"t": jn.statistics.Trace(("current", "spikes"))}
    return jn.Simulation(jn.Network(parts, {"feed": feed}), {"port": source}, duration=30.0, dt=dt, statistics=course)


def currents(feed: Any, **options: Any) -> np.ndarray:
    return np.asarray(jn.simulate(simulation(feed, **options), key=0)["t"].current)


@pytest.mark.slow
@pytest.mark.parametrize("base", [0, 3])
def test_every_synapse_arrives_at_its_own_time(base: int) -> None:
    expected = np.zeros((60, 6))
    for row, column, offset in zip(ROWS, COLUMNS, OFFSETS, strict=True):
        late = round(offset / 0.5) + base
        expected[late:, row] += WEIGHTS[row, column] * TRAIN[: 60 - late, column]
    found = currents(projection(delay=0.5 * base))
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.slow
def test_equal_offsets_are_a_delay_to_the_bit() -> None:
    graph = {"size": (6, 9), "rows": ROWS, "columns": COLUMNS, "weights": WEIGHTS[ROWS, COLUMNS]}
    plain = currents(Sparse("port", "cells", **graph, delay=1.5, kinetics=Exponential(2.0)))
    np.testing.assert_array_equal(currents(projection(1.5, longest=4.0, kinetics=Exponential(2.0))), plain)


@pytest.mark.slow
def test_sums_are_exact_in_a_batch_and_under_both_schedules() -> None:
    sim = simulation(projection(), train=np.minimum(RNG.poisson(2.0, (60, 9)), 7), largest=7)
    one = jn.simulate(sim, key=0)["t"].current
    many = jn.monte_carlo(sim, [jn.Trials(3)], key=0, progress=False, chunk=3)["t_current"].values
    for other in many:
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, jn.simulate(sim, key=0, backend=jn.Scan(schedule=jn.ByComponent()))["t"].current)


@pytest.mark.slow
def test_a_run_that_is_cut_keeps_what_is_under_way() -> None:
    sim = simulation(projection())
    whole = currents(projection())
    state = jn.start(sim, key=0)
    parts = []
    for duration in (10.0, 3.5, 16.5):
        state, found = jn.advance(sim, state, duration)
        parts.append(np.asarray(found["t"].current))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.slow
def test_offsets_are_a_leaf_that_can_be_swept_and_weights_have_a_gradient() -> None:
    sim = simulation(projection(longest=6.0))
    path = "network.feed.offsets"
    study = jn.monte_carlo(
        sim, [jn.Sweep(path, np.array([[0.0], [2.0]]) * np.ones(len(ROWS)), name="offset")], key=0, progress=False
    )
    for k, offset in enumerate((0.0, 2.0)):
        np.testing.assert_array_equal(study["t_current"].values[k], currents(projection(offset, longest=6.0)))
    slope = jax.grad(
        lambda w: jn.simulate(jn.paths.replace(sim, {"network.feed.weights": w}), key=0)["t"].current[40].sum()
    )(jnp.asarray(sim.network.projections["feed"].weights))
    kept = sim.network.projections["feed"]
    late = np.round(np.asarray(kept.offsets) / 0.5).astype(int)
    np.testing.assert_allclose(slope, TRAIN[40 - late, np.asarray(kept.columns)].astype(float), atol=1e-6)


def test_an_offset_that_nobody_saw_and_the_ring_cannot_hold_is_nan() -> None:
    sim = simulation(projection(longest=6.0))
    counted = jax.jit(
        lambda x: jn.simulate(jn.paths.replace(sim, {"network.feed.offsets": x}), key=0)["health_cells"].nonfinite
    )
    good = sim.network.projections["feed"].offsets
    assert int(counted(good)) == 0
    assert int(counted(good.at[3].set(7.0))) == 6
    assert int(counted(good.at[3].set(-1.0))) == 6


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: projection(-1.0), r"offsets: must be finite and >= 0 \[ms\]"),
        (lambda: projection([1.0]), r"offsets: must be one number or one per synapse"),
        (lambda: simulation(projection(5.0, longest=4.0)), r"network.feed.offsets: must be at most longest = 4 \[ms\]; got 5.0"),
        (lambda: simulation(projection(0.75, longest=4.0)), r"network.feed.offsets: must be multiples of dt = 0.5 ms \[ms\]; got 0.75"),
        (lambda: simulation(projection(longest=3.7)), r"network.feed.longest: must be a multiple of dt = 0.5 ms|offsets: must be at most"),
    ],
)  # fmt: skip
def test_bad_input_is_named(make: Any, message: str) -> None:
    with pytest.raises(jn.InputError, match=message):
        make()
