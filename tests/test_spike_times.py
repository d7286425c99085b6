"""Spikes given by their times: on the grid, off it, too many of them, and of the right channels."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.coding import SpikeTimes, SpikeTrain
from jaxsnn_noise.coding.times import MOST_STEPS, NEVER, steps_of_times
from jaxsnn_noise.synapses import Dense


def sim_of(signal: Any, channels: int = 3, *, steps: int = 20, dt: float = 0.5, warmup: float = 0.0) -> jn.Simulation:
    """Cells that show what arrives: each is fed by one channel, and forgets at once."""
    cells = jn.Population(jn.neurons.LeakyIntegrator(channels, tau_mem=1e-3))
    network = jn.Network(
        {"port": jn.Port(channels), "cells": cells}, {"feed": Dense("port", "cells", np.eye(channels))}
    )
    return jn.Simulation(network, {"port": signal}, duration=steps * dt, dt=dt, warmup=warmup)


def shown(signal: Any, channels: int = 3, backend: Any = None, **options: Any) -> np.ndarray:
    """What the port held in each step [time, channel]."""
    sim = sim_of(signal, channels, **options)
    return np.asarray(jn.simulate(sim, key=0, statistics={"v": jn.statistics.Trace("v")}, backend=backend)["v"].v)


@pytest.mark.parametrize("schedule", [jn.ByStep(), jn.ByComponent()])
def test_a_spike_acts_in_the_step_that_ends_at_its_time_or_in_which_it_lies(schedule: Any) -> None:
    times = [[0.5, 1.0, 9.99, 4.001], [], [0.1, 10.0, 2.6]]
    expected = np.zeros((20, 3))
    expected[[0, 1, 19, 7], 0] = 1  # 4.001 lies behind a grid point by less than 1 % of a step
    expected[[0, 19, 5], 2] = 1
    np.testing.assert_array_equal(shown(SpikeTimes(times), backend=jn.Scan(schedule=schedule)), expected)


@pytest.mark.parametrize("dt", [0.1, 0.3, 1.0, 1 / 3, 0.025])
def test_times_on_the_grid_give_every_step_back(dt: float) -> None:
    steps = np.array([0, 1, 2, 6, 9, 10, 99, 1000, 12_345, 100_000, 999_999, MOST_STEPS - 1])
    times = jnp.asarray((steps + 1) * dt, jnp.float32)
    np.testing.assert_array_equal(jax.jit(lambda t: steps_of_times(t, dt))(times), steps)
    np.testing.assert_array_equal(steps_of_times(np.asarray(times), dt), steps)


@pytest.mark.slow
def test_they_are_the_train_of_the_same_spikes_also_in_pieces() -> None:
    rng = np.random.default_rng(1)
    raster = rng.random((200, 5)) < 0.1
    times = [0.1 * (1 + np.flatnonzero(train)) for train in raster.T]
    given, train = SpikeTimes(times), SpikeTrain(raster)
    one, other = (shown(signal, 5, steps=150, dt=0.1, warmup=5.0) for signal in (given, train))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, raster[50:])  # times count from the start of the run
    sim = sim_of(given, 5, steps=200, dt=0.1)
    state, pieces = jn.start(sim, key=0), []
    for steps in (7, 60, 133):
        state, found = jn.advance(sim, state, steps * 0.1, statistics={"v": jn.statistics.Trace("v")})
        pieces.append(np.asarray(found["v"].v))
    np.testing.assert_array_equal(np.concatenate(pieces), raster)


def test_several_spikes_of_a_step_are_counted_if_they_may_be() -> None:
    found = shown(SpikeTimes([[0.9, 0.6, 1.0, 2.0]], largest=3), 1, steps=6)
    np.testing.assert_array_equal(found[:, 0], [0, 3, 0, 1, 0, 0])
    assert SpikeTimes([[1.0]], largest=3).largest == 3


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([[1.0, 0.0], [2.0]], r"SpikeTimes.times of channel 0: must be finite and > 0: .*; got array\(\[0.\]\)"),
        ([[1.0], [-2.0]], "SpikeTimes.times of channel 1: must be finite and > 0"),
        ([[1.0], [np.nan]], "SpikeTimes.times of channel 1: must be finite and > 0"),
        ([[1.0], [np.inf]], "SpikeTimes.times of channel 1: must be finite and > 0"),
        ([1.0, 2.0], "SpikeTimes.times of channel 0: must be a sequence of times"),
        ("12", "SpikeTimes.times: must be one sequence of times for each channel"),
        (3.0, "SpikeTimes.times: must be one sequence of times for each channel"),
        ([["1"]], "SpikeTimes.times of channel 0: must be real numbers"),
        ([[True]], "SpikeTimes.times of channel 0: must be real numbers"),
        ([np.ma.array([1.0, 2.0], mask=[True, False])], "SpikeTimes.times of channel 0: must have no masked entries"),
        ([], "SpikeTimes.times: needs at least one channel"),
        (None, "SpikeTimes: needs either the times of each channel or values"),
    ],
)
def test_what_are_no_times_is_refused(times: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SpikeTimes(times)


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        (SpikeTimes([[1.0], [10.2], []]), r"inputs.port.values: must lie in \(0, 10\], the run with its warm-up \[ms\]; got 10.2"),
        (SpikeTimes([[1.0], [1.6, 2.0], []]), r"must give a channel at most largest = 1 spikes in a step of 0.5 ms .*; got 'channel 1 at 1.6, 2'"),
        (SpikeTimes([[1.1, 1.2, 1.3], [], []], largest=2), "at most largest = 2 spikes in a step.*channel 0 at 1.1, 1.2, 1.3"),
        (SpikeTimes([[1.0], [2.0]]), r"inputs.port.values: must be times of 3 channels, \[spike, channel\]; got \(1, 2\)"),
        (SpikeTimes(values=[[2.0, 1.0, 1.0], [1.0, 2.0, NEVER]]), "inputs.port.values: must ascend along the spikes"),
    ],
)  # fmt: skip
def test_times_that_do_not_fit_the_run_are_refused_before_it(signal: SpikeTimes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sim_of(signal)


def test_a_run_whose_steps_single_precision_cannot_tell_apart_is_refused() -> None:
    signal = SpikeTimes([[1.0]])
    sim_of(signal, 1, steps=MOST_STEPS, dt=0.1)
    with pytest.raises(InputError, match="are told apart over at most 1,500,000 steps; give a SpikeTrain"):
        sim_of(signal, 1, steps=MOST_STEPS + 1, dt=0.1)


@pytest.mark.parametrize("bad", [[[1.2, 1.1]], [[0.9, 1.0]], [[-1.0, 3.0]], [[np.nan, 3.0]], [[3.0, np.nan]]])
def test_what_no_check_sees_is_not_shown_as_something_else(bad: Any) -> None:
    """Traced: out of order, two in a step, before the run, none."""
    sim = sim_of(SpikeTimes([[1.0, 2.0]]), 1)

    @jax.jit
    def nonfinite(values: Any) -> Any:
        given = jn.paths.replace(sim, {"inputs.port.values": values})
        return jn.simulate(given, key=0)["health_cells"].nonfinite

    assert nonfinite(jnp.asarray([[1.0], [2.0]])) == 0
    assert nonfinite(jnp.asarray(bad, jnp.float32).T) == 1


def test_samples_and_batches_show_other_times() -> None:
    sim = sim_of(SpikeTimes([[1.0, 2.0], [3.0], []]))
    data = jnp.asarray([[[1.0, 2.0, 3.0], [4.0, NEVER, NEVER]], [[NEVER] * 3, [NEVER] * 3]])
    counts = {"n": jn.statistics.Mean("v")}
    found = jn.monte_carlo(sim, [jn.Samples(data)], key=0, statistics=counts, progress=False)["n"]
    np.testing.assert_allclose(20 * found, [[2, 1, 1], [0, 0, 0]], rtol=1e-6)
    options = {"duration": 10.0, "dt": 0.5, "statistics": counts}
    batch = jn.apply(sim.network, data, encode=lambda one: SpikeTimes(values=one), key=0, **options)["n"]
    np.testing.assert_array_equal(batch, found)
