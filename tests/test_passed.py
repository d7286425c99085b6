"""A simulation that has passed its checks is not checked again, unless anything about it has changed."""

from __future__ import annotations

import gc
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import InputError
from jaxsnn_noise.engine import passed
from jaxsnn_noise.engine.simulation import validate


def simulation() -> jn.Simulation:
    cells = jn.Population(jn.neurons.LIF(2, tau_mem=10.0), noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))})
    return jn.Simulation(jn.Network({"cells": cells}), {"cells": jn.coding.Constant(1.1)}, duration=5.0, dt=0.25)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The networks that are looked at from now on."""
    found: list[Any] = []
    look = jn.Network.check
    monkeypatch.setattr(jn.Network, "check", lambda self, who: (found.append(self), look(self, who))[1])
    return found


def test_a_simulation_is_looked_at_once(looks: list[Any]) -> None:
    sim = simulation()
    before = len(looks)
    for _ in range(3):
        jn.simulate(sim, key=0)
    assert len(looks) == before
    other = jn.paths.replace(sim, {"network.cells.neuron.tau_mem": 20.0})
    validate(other)
    assert len(looks) > before


def test_what_is_changed_in_place_is_looked_at() -> None:
    sim = simulation()
    neuron = sim.network.populations["cells"].neuron
    object.__setattr__(neuron, "tau_mem", jnp.array([10.0, -1.0]))  # no one should; a wrong answer would come of it
    with pytest.raises(InputError, match="tau_mem"):
        jn.simulate(sim, key=0)
    sim = simulation()
    sim.inputs["nobody"] = sim.inputs["cells"]
    with pytest.raises(InputError, match="nobody"):
        jn.simulate(sim, key=0)
    sim = simulation()
    object.__setattr__(sim, "dt", -1.0)  # no leaf, a part of the structure
    with pytest.raises(InputError, match="dt"):
        jn.simulate(sim, key=0)


def test_arrays_that_can_be_written_to_are_looked_at_every_time() -> None:
    sim, tau = simulation(), np.array([10.0, 10.0], np.float32)
    object.__setattr__(sim.network.populations["cells"].neuron, "tau_mem", tau)
    validate(sim)
    tau[1] = -1.0
    with pytest.raises(InputError, match="tau_mem"):
        validate(sim)


def test_tracers_are_not_kept() -> None:
    before = set(passed._PASSED)
    sim = simulation()

    @jax.jit
    def traced(sigma: jax.Array) -> jax.Array:
        changed = jn.paths.replace(sim, {"network.cells.noise.m.amplitude.sigma": sigma})
        validate(changed)
        assert not passed.has_passed(changed)
        return jnp.asarray(sigma)

    traced(jnp.float32(0.2))
    kept = [passed._PASSED[k] for k in set(passed._PASSED) - before]
    assert not any(isinstance(leaf, jax.core.Tracer) for _, leaves, _ in kept for leaf in leaves)


def test_nothing_is_kept_of_a_simulation_that_is_gone() -> None:
    sim = simulation()
    number = id(sim)
    assert passed.has_passed(sim)
    del sim
    gc.collect()
    assert number not in passed._PASSED
