"""Delays that are real numbers: arrivals against a plain loop, derivatives against differences, exact sums, what is refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.pace import slow_but
from jaxsnn_noise.synapses import DelayedDense, Dense, Exponential

RNG = np.random.default_rng(5)
WEIGHTS = np.where(RNG.random((4, 6)) < 0.8, RNG.normal(size=(4, 6)), 0).astype(np.float32)
TRAIN = RNG.random((40, 6)) < 0.25
OFFSETS = {"source": RNG.uniform(0.0, 4.0, 6), "synapse": RNG.uniform(0.0, 4.0, (4, 6))}
PATH = "network.feed.offsets"
DT = 0.5
each = pytest.mark.parametrize("per", slow_but(["source", "synapse"], ["synapse"]))


def simulation(feed: Any, train: Any = TRAIN, largest: int = 1) -> jn.Simulation:
    parts = {"port": jn.Port(6), "cells": jn.Population(jn.neurons.LeakyIntegrator(4, tau_mem=8.0))}
    source = jn.coding.SpikeTrain(train, largest=largest)
    course = {"t": jn.statistics.Trace(("current", "v"), population="cells")}
    return jn.Simulation(jn.Network(parts, {"feed": feed}), {"port": source}, duration=20.0, dt=DT, statistics=course)


def delayed(offsets: Any, longest: float = 4.0, **options: Any) -> DelayedDense:
    return DelayedDense("port", "cells", WEIGHTS, offsets=offsets, longest=longest, **options)


def currents(feed: Any, **options: Any) -> np.ndarray:
    return np.asarray(jn.simulate(simulation(feed, **options), key=0)["t"]["current"])


def expected(offsets: np.ndarray, base: int = 0) -> np.ndarray:
    """By a plain loop over steps, targets and sources, in double precision."""
    found = np.zeros((len(TRAIN), 4))
    for i in range(4):
        for j in range(6):
            x = np.broadcast_to(offsets, (4, 6))[i, j] / DT
            k, f = int(np.floor(x)), x - np.floor(x)
            for t in np.flatnonzero(TRAIN[:, j]) + base:
                for at, part in ((t + k, 1 - f), (t + k + 1, f)):
                    if at < len(TRAIN):
                        found[at, i] += WEIGHTS[i, j] * part
    return found


@each
def test_a_spike_arrives_in_the_two_steps_round_its_time(per: str) -> None:
    np.testing.assert_allclose(currents(delayed(OFFSETS[per])), expected(OFFSETS[per]), atol=3e-6)


@pytest.mark.slow
def test_it_comes_on_top_of_the_delay_of_the_projection() -> None:
    found = currents(delayed(OFFSETS["source"], delay=1.5))
    np.testing.assert_allclose(found, expected(OFFSETS["source"], base=3), atol=3e-6)


def test_whole_steps_are_a_delay_to_the_bit() -> None:
    for offset in (1.5, 4.0):  # in the middle, and at the end of its reach
        plain = currents(Dense("port", "cells", WEIGHTS, delay=offset))
        np.testing.assert_array_equal(currents(delayed(offset)), plain)


@each
def test_the_derivative_of_a_delay_is_that_of_finite_differences(per: str) -> None:
    sim = simulation(delayed(OFFSETS[per]))
    target = jnp.asarray(np.random.default_rng(1).normal(size=(40, 4)), jnp.float32)

    @jax.jit
    def loss(offsets: Any) -> Any:
        v = jn.simulate(jn.paths.replace(sim, {PATH: offsets}), key=0)["t"]["v"]
        return jnp.sum(jnp.square(v - target))

    at = jnp.asarray(np.floor(OFFSETS[per] / DT) * DT + 0.2, jnp.float32)  # well within a step: no kink within reach
    slope, h = np.asarray(jax.grad(loss)(at)), 0.05
    for index in np.ndindex(at.shape):
        moved = [float(loss(at.at[index].add(sign * h))) for sign in (1, -1)]
        assert slope[index] == pytest.approx((moved[0] - moved[1]) / (2 * h), abs=2e-3 * float(np.abs(slope).max()))
    assert np.abs(slope).max() > 0.1


def test_the_derivative_at_a_whole_step_is_that_to_the_right_and_at_the_end_to_the_left() -> None:
    sim = simulation(delayed(1.0))
    total = lambda o: jnp.sum(  # noqa: E731
        jnp.arange(40.0)[:, None] * jn.simulate(jn.paths.replace(sim, {PATH: o}), key=0)["t"]["current"]
    )
    for at, side in ((0.0, 1), (2.0, 1), (4.0, -1)):
        offsets = jnp.full(6, at)
        moved = offsets.at[2].add(side * 0.25)
        expected = float(total(moved) - total(offsets)) / (side * 0.25)
        assert float(jax.grad(total)(offsets)[2]) == pytest.approx(expected, rel=1e-4)


def test_a_delay_learns_when_its_spike_has_to_arrive() -> None:
    """One spike at 2 ms, wanted at 9.3 ms: from 2 ms away plain descent finds it."""
    parts = {"port": jn.Port(1), "cells": jn.Population(jn.neurons.LeakyIntegrator(1, tau_mem=2.0))}
    late = DelayedDense("port", "cells", [[1.0]], offsets=5.0, longest=15.0, kinetics=Exponential(2.0))
    train = np.zeros((40, 1))
    train[4] = 1
    sim = jn.Simulation(
        jn.Network(parts, {"feed": late}), {"port": jn.coding.SpikeTrain(train)}, duration=20.0, dt=DT,
        statistics={"t": jn.statistics.Trace(("v",), population="cells")},
    )  # fmt: skip
    space = jn.training.free_space(sim, PATH)
    run = lambda s: jn.simulate(s, key=0)["t"]["v"]  # noqa: E731
    wanted = run(jn.paths.replace(sim, {PATH: [7.3]}))
    step = jax.jit(jax.grad(lambda free: jnp.sum(jnp.square(run(space.insert(sim, free)) - wanted))))
    free = space.free(sim)
    for _ in range(150):
        free = {k: v - 0.1 * step(free)[k] for k, v in free.items()}
    assert float(space.constrain(free)[PATH][0]) == pytest.approx(7.3, abs=0.02)


@pytest.mark.slow
@each
def test_sums_are_exact_in_a_batch_and_a_run_that_is_cut_keeps_what_is_under_way(per: str) -> None:
    counts = np.minimum(RNG.poisson(2.0, (40, 6)), 7)
    sim = simulation(delayed(OFFSETS[per]), train=counts, largest=7)
    one = jn.simulate(sim, key=0)["t"]["current"]
    many = jn.monte_carlo(sim, [jn.Trials(3)], key=0, progress=False, chunk=3)["t_current"].values
    for other in many:
        np.testing.assert_array_equal(one, other)
    state, parts = jn.start(sim, key=0), []
    for duration in (7.0, 2.5, 10.5):
        state, found = jn.advance(sim, state, duration)
        parts.append(np.asarray(found["t"]["current"]))
    np.testing.assert_array_equal(np.concatenate(parts), one)


def test_what_does_not_fit_is_refused_and_what_leaves_its_range_is_nan() -> None:
    with pytest.raises(jn.InputError, match=r"offsets: must lie in \[0, 4\] \[ms\]"):
        delayed(4.5)
    with pytest.raises(jn.InputError, match=r"offsets: must be one number, one per source \(6,\) or one per synapse"):
        simulation(delayed(np.ones(4)))
    for longest, rule in ((4.2, "multiple"), (0.2, "longest")):
        with pytest.raises(jn.InputError, match=rf"longest: must be .*{rule}|longest"):
            jn.simulate(simulation(delayed(0.1, longest=longest)), key=0)
    with pytest.raises(jn.InputError, match="longest"):
        delayed(0.0, longest=0.0)
    sim = simulation(delayed(1.0))
    moved = jax.jit(lambda o: jn.simulate(jn.paths.replace(sim, {PATH: o}), key=0)["t"]["current"])
    assert np.isnan(moved(jnp.full(6, 4.01))).all()
    assert np.isfinite(moved(jnp.full(6, 4.0))).all()
