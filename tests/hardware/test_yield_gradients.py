"""Derivatives of a yield margin with respect to size and spread, with the same chips at every value."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise.hardware import MOSFET, CurrentMode, Mismatch

CHIPS = 60
WIDTH, CV = "imperfections.synapses.width", "imperfections.leak.law.cv"


def simulation() -> Any:
    """A readout of three classes for one image: its margin is what separates the right one from the best other."""
    rng = np.random.default_rng(3)
    weights = rng.normal(0.2, 0.3, (3, 20)) + 0.04 * (np.arange(3) == 0)[:, None]
    network = jn.Network(
        {"image": jn.Port(20), "classes": jn.Population(jn.neurons.LeakyIntegrator(3, tau_mem=10.0))},
        {"read": jn.synapses.Dense("image", "classes", weights)},
    )
    circuit = CurrentMode(
        {"network.read.weights": {"weight": 1.0}},
        MOSFET(vth=3.356, voff=7.0, n=1.36),
        width=2.0,
        length=2.0,
        per="synapse",
    )
    leak = Mismatch("network.classes.neuron.tau_mem", jn.laws.LogNormal(0.2), per="neuron")
    return jn.Simulation(
        network,
        {"image": jn.coding.Constant(rng.uniform(0.0, 1.0, 20))},
        duration=10.0,
        dt=1.0,
        imperfections={"synapses": circuit, "leak": leak},
        statistics={"v": jn.statistics.Last("v")},
    )


SIM = simulation()


@jax.jit
def margins(width: jax.Array, cv: jax.Array) -> jax.Array:
    """[chip]: in mV; negative where a chip answers wrongly."""
    sim = jn.paths.replace(SIM, {WIDTH: width, CV: cv})

    def one(index: jax.Array) -> jax.Array:
        v = jn.simulate(sim, key=7, address={"device": index})["v"]
        found: jax.Array = v[0] - jnp.max(v[1:])
        return found

    return jax.vmap(one)(jnp.arange(CHIPS, dtype=jnp.uint32))


def yield_margin(width: jax.Array, cv: jax.Array) -> jax.Array:
    """What 90 % of chips exceed [mV]: the spec is met where it is positive."""
    return jnp.quantile(margins(width, cv), 0.1)


@pytest.mark.slow
def test_slopes_of_the_yield_margin_are_those_of_differences_with_common_chips() -> None:
    at = jnp.float32(2.0), jnp.float32(0.2)
    slopes = [float(x) for x in jax.grad(yield_margin, argnums=(0, 1))(*at)]
    for k, h in enumerate((0.01, 0.002)):
        ends = [tuple(x + (j == k) * sign * h for j, x in enumerate(at)) for sign in (1.0, -1.0)]
        difference = (float(yield_margin(*ends[0])) - float(yield_margin(*ends[1]))) / (2 * h)
        np.testing.assert_allclose(slopes[k], difference, rtol=0.03)
    assert slopes[0] > 0 > slopes[1]  # larger transistors and a smaller spread are better


@pytest.mark.slow
def test_other_chips_at_each_end_would_drown_the_slope() -> None:
    """Negative control: the same difference with other chips is off by far more than the tolerance of the test above."""
    at = jnp.float32(2.0), jnp.float32(0.2)
    slope = float(jax.grad(yield_margin)(*at))
    up = jnp.quantile(margins(jnp.float32(2.01), at[1])[: CHIPS // 2], 0.1)
    down = jnp.quantile(margins(jnp.float32(1.99), at[1])[CHIPS // 2 :], 0.1)
    assert abs((float(up) - float(down)) / 0.02 / slope - 1) > 0.5


@pytest.mark.slow
def test_each_chip_gets_better_towards_the_nominal_network_as_transistors_grow() -> None:
    nominal = float(margins(jnp.float32(1e6), jnp.float32(0.0))[0])
    away = [np.abs(np.asarray(margins(jnp.float32(w), jnp.float32(0.0))) - nominal) for w in (0.5, 2.0, 8.0)]
    np.testing.assert_allclose(np.median(away[1]) / np.median(away[2]), 2.0, rtol=0.1)  # with the root of the area
    assert np.median(away[0]) > np.median(away[1])
