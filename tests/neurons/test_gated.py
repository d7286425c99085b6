"""The gated neuron: its step against double precision, the neurons at its corners, the published map, its gates as leaves."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_variance, negative_control
from jaxsnn_noise import random
from jaxsnn_noise.neurons import IF, LIF, GatedLIF, GatedReset, ResetBySubtraction, ResetToValue
from jaxsnn_noise.signals import Drive

TICK = random.tick(random.root(0), 0)


def moved(neuron, v, current, dt, conductance=None):
    state = eqx.tree_at(lambda s: s.v, neuron.rest(), jnp.asarray(v, jnp.float32))
    given = None if conductance is None else jnp.full(neuron.size, conductance)
    return np.asarray(neuron.integrate(state, Drive(jnp.full(neuron.size, current), given), TICK, dt).v)


@pytest.mark.parametrize("conductance", [None, 0.4])
def test_a_step_is_the_exact_flow_of_its_equation_at_every_gate(conductance):
    gates, v0, tau, rate, current = np.array([0.0, 1e-4, 0.3, 1.0]), np.array([-0.5, 0.1, 0.4, 0.9]), 12.0, 0.03, 0.7
    neuron = GatedLIF(4, tau_mem=tau, v_rest=-0.2, resistance=1.5, leak_gate=gates, leak_rate=rate, v_threshold=9.0)
    v, steps = v0.copy(), 200_000
    for _ in range(steps):  # Euler in double precision, 25 ns a step
        driven = 1.5 * (current - (conductance or 0.0) * v)
        v = v + 5.0 / steps * (-gates * (v + 0.2) / tau - (1 - gates) * rate + driven / tau)
    np.testing.assert_allclose(moved(neuron, v0, current, 5.0, conductance), v, atol=3e-6)


def trains(neuron, steps=400):
    rng = np.random.default_rng(0)
    drive = jn.coding.TimeSeries(rng.uniform(0.0, 3.0, (steps, neuron.size)).astype(np.float32))
    sim = jn.Simulation(
        jn.Network({"c": jn.Population(neuron)}), {"c": drive}, duration=float(steps), dt=1.0,
        statistics={"t": jn.statistics.Trace(("v", "spikes"))},
    )  # fmt: skip
    found = jn.simulate(sim, key=0)["t"]
    return np.asarray(found["v"]), np.asarray(found["spikes"])


def test_at_its_corners_it_is_lif_and_the_perfect_integrator():
    given = {"v_reset": -0.1, "refractory": 2.0}
    for gate, reset in ((1.0, ResetToValue()), (0.0, ResetBySubtraction())):
        gated = GatedLIF(6, tau_mem=10.0, leak_gate=1.0, leak_rate=0.5, reset=GatedReset(gate), **given)
        (v, spikes), (v_lif, expected) = trains(gated), trains(LIF(6, tau_mem=10.0, reset=reset, **given))
        np.testing.assert_array_equal(spikes, expected)
        np.testing.assert_allclose(v, v_lif, atol=2e-5)
        assert spikes.sum() > 100
    shut = GatedLIF(6, tau_mem=10.0, leak_gate=0.0, leak_rate=0.0, reset=ResetToValue())
    np.testing.assert_array_equal(trains(shut)[1], trains(IF(6, capacitance=10.0))[1])


def test_at_open_and_shut_gates_it_is_the_published_map():
    tau, rate, steps = 8.0, 0.02, 300
    b, inputs = np.exp(-1.0 / tau), np.random.default_rng(0).uniform(0.0, 3.0, (steps, 4)).astype(np.float32)
    for a in (0.0, 1.0):
        neuron = GatedLIF(4, tau_mem=tau, leak_gate=a, leak_rate=rate, reset=GatedReset(1.0))
        x = inputs * float(neuron.gain(Drive(jnp.zeros(4)), 1.0)[0])
        u, spiked, published = np.zeros(4), np.zeros(4), []
        for t in range(steps):  # u = (1 - a (1 - b)) v - (1 - a) l + x, less (1 - a (1 - b)) v where it fired
            kept = (1 - a * (1 - b)) * u
            u = kept - (1 - a) * rate + x[t] - kept * spiked
            spiked = (u >= 1.0).astype(float)
            published.append(spiked)
        sim = jn.Simulation(
            jn.Network({"c": jn.Population(neuron)}), {"c": jn.coding.TimeSeries(inputs)}, duration=float(steps), dt=1.0,
        )  # fmt: skip
        found = jn.simulate(sim, key=0, statistics={"s": jn.statistics.Trace(("spikes",))})["s"]["spikes"]
        np.testing.assert_array_equal(found, np.array(published))


def test_its_spread_under_membrane_noise_is_that_of_its_leak():
    """A free membrane: variance ``sigma^2 tau/(2 alpha)`` around the shifted rest."""
    gate, tau, sigma = 0.4, 10.0, 0.05
    neuron = GatedLIF(4000, tau_mem=tau, leak_gate=gate, leak_rate=0.02, v_threshold=50.0)
    cells = jn.Population(neuron, noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(sigma))})
    sim = jn.Simulation(jn.Network({"c": cells}), {"c": jn.coding.Constant(0.0)}, duration=1.0, dt=1.0, warmup=150.0)
    v = np.asarray(jn.simulate(sim, key=0, statistics={"v": jn.statistics.Last("v")})["v"], float)
    check = lambda factor: assert_variance(factor * v, sigma**2 * tau / (2 * gate), kurtosis=3.0)  # noqa: E731
    check(1.0)
    negative_control(check)
    assert v.mean() == pytest.approx(-(1 - gate) / gate * 0.02 * tau, abs=5 * 0.18 / 4000**0.5)


def test_gates_have_slopes_where_they_are_open_and_shut():
    def potential(gate, reset, rate):
        neuron = GatedLIF(3, leak_gate=gate, leak_rate=rate, reset=GatedReset(reset))
        state = eqx.tree_at(lambda s: s.v, neuron.rest(), jnp.array([0.2, 0.5, 1.4]))
        after = neuron.after_spikes(state, jnp.array([0.0, 0.0, 1.0]), 1.0)
        return neuron.integrate(after, Drive(jnp.full(3, 0.5)), TICK, 1.0).v.sum()

    for at in (0.0, 0.5, 1.0):
        here = [jnp.float32(x) for x in (at, 0.5, 0.01)]
        slopes = jax.grad(potential, argnums=(0, 1, 2))(*here)
        for i, slope in enumerate(slopes):
            low, high = ([h + (j == i) * d for j, h in enumerate(here)] for d in (-0.01, 0.01))
            with jax.numpy_dtype_promotion("standard"):
                inside = [[jnp.clip(x, 0.0, 1.0) for x in one] for one in (low, high)]
            width = float(inside[1][i] - inside[0][i])
            assert float(slope) == pytest.approx(float(potential(*inside[1]) - potential(*inside[0])) / width, rel=0.02)


def test_training_keeps_gates_between_0_and_1_and_a_gate_of_another_size_is_refused():
    sim = jn.Simulation(
        jn.Network({"c": jn.Population(GatedLIF(3))}), {"c": jn.coding.Constant(0.5)}, duration=5.0, dt=1.0
    )
    space = jn.training.free_space(sim, ["*.leak_gate", "*.leak_rate", "*.gate"])
    moved_ = space.constrain({name: value + 3.0 for name, value in space.free(sim).items()})
    assert all(0.5 < float(jnp.max(moved_[p])) < 1.0 for p in moved_ if "gate" in p)
    assert len(moved_) == 3
    for neuron in (lambda: GatedLIF(3, reset=GatedReset([0.1, 0.2])), lambda: LIF(3, reset=GatedReset([0.1, 0.2]))):
        with pytest.raises(jn.InputError, match=r"reset\.gate: must be one number or one per neuron \(shape \(3,\)\)"):
            neuron()
    with pytest.raises(jn.InputError, match=r"GatedLIF\.leak_gate: must lie in \[0, 1\]"):
        GatedLIF(3, leak_gate=1.5)


def test_what_one_step_gathers_and_moves_is_that_of_its_leak():
    gates, tau, g = np.array([0.0, 0.3, 1.0]), 12.0, 0.2
    neuron = GatedLIF(3, tau_mem=tau, resistance=2.0, leak_gate=gates)
    for drive, k in ((Drive(jnp.zeros(3)), gates), (Drive(jnp.zeros(3), jnp.full(3, g)), gates + 2.0 * g)):
        for dt in (0.5, 20.0):
            u = np.where(k > 0, k, 1.0) * dt / tau
            lost, twice = (np.where(k > 0, -np.expm1(-n * u) / (n * u), 1.0) for n in (1, 2))
            np.testing.assert_allclose(neuron.diffuse(drive, dt), np.sqrt(dt * twice), rtol=1e-5)
            np.testing.assert_allclose(neuron.gain(drive, dt), 2.0 * dt / tau * lost, rtol=1e-5)
        np.testing.assert_allclose(neuron.time_constant(drive)[1:], tau / k[1:], rtol=1e-6)
