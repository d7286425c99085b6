"""The reset follows the rest, and refractory time is rounded one way, in the simulation and in theory."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise.neurons import LIF, AdaptiveLIF


@pytest.mark.parametrize("cls", [LIF, AdaptiveLIF])
def test_the_reset_is_the_rest_unless_it_is_given(cls) -> None:
    biological = cls(3, v_rest=-65.0, v_threshold=-50.0)
    np.testing.assert_array_equal(biological.v_reset, [-65.0] * 3)
    each = cls(3, v_rest=[-65.0, -70.0, -60.0], v_threshold=-50.0)
    np.testing.assert_array_equal(each.v_reset, each.v_rest)
    given = cls(3, v_rest=-65.0, v_reset=-70.0, v_threshold=-50.0)
    np.testing.assert_array_equal(given.v_reset, [-70.0] * 3)
    np.testing.assert_array_equal(cls(3).v_reset, [0.0] * 3)
    # the leaves are two: a change of the one is none of the other
    moved = jn.paths.replace(biological, {"v_rest": -66.0})
    np.testing.assert_array_equal(moved.v_reset, [-65.0] * 3)


def test_a_neuron_in_mV_fires_at_the_rate_of_theory() -> None:
    neuron = {"tau_mem": 20.0, "v_threshold": -50.0}
    network = jn.Network({"cells": jn.Population(LIF(2, v_rest=-65.0, refractory=2.0, **neuron))})
    sim = jn.Simulation(network, {"cells": jn.coding.Constant(20.0)}, duration=2000.0, dt=0.5)
    found = jn.simulate(sim, key=0, statistics={"mean": jn.statistics.IntervalMean()})["mean"]
    expected = jn.theory.grid_interval(-45.0, dt=0.5, v_reset=-65.0, refractory=2.0, **neuron)
    np.testing.assert_allclose(found, expected)


TIES = [(0.5, 1.0), (1.5, 1.0), (2.5, 1.0), (0.35, 0.1), (0.25, 0.1), (0.45, 0.1), (1.05, 0.1), (0.15, 0.1), (0.3, 0.2)]
TIES += [(2.0, 1.0), (2.4999, 1.0), (0.2499, 0.1), (1e-3, 1.0), (0.0, 1.0), (1000.0, 0.1), (999.95, 0.1)]


@pytest.mark.parametrize(("refractory", "dt"), TIES)
def test_refractory_time_is_rounded_as_theory_says(refractory: float, dt: float) -> None:
    neuron = LIF(1, refractory=refractory)
    state = neuron.after_spikes(neuron.rest(), jnp.ones(1), dt)
    held = float(np.asarray(state.hold)[0])
    options = {"dt": dt, "tau_mem": 1e-3 * dt, "v_threshold": 1.0, "v_reset": 0.0}
    with_dead, without = (jn.theory.grid_interval(9.0, refractory=r, **options) for r in (refractory, 0.0))
    assert held == pytest.approx((with_dead - without) / dt, abs=1e-6)
    # half a step more is a whole one, whatever the floats are
    exact = round(refractory * 10**4) / round(dt * 10**4)
    assert held == (max(1, np.floor(exact + 0.5 + 1e-9)) if refractory else 0)
