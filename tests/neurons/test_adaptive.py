"""The neuron with an adaptive threshold, against an independent loop, a closed form, and the neuron without adaptation."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import paths
from jaxsnn_noise.training import transforms
from jaxsnn_noise.training.parameters import chosen

CELL = "network.cells.neuron"


def simulation(neuron, signal, *, dt, duration, noise=None, **options):
    network = jn.Network({"cells": jn.Population(neuron, noise=noise, **options)})
    statistics = {"raster": jn.statistics.Raster(), "trace": jn.statistics.Trace(("v", "threshold"))}
    return jn.Simulation(network, {"cells": signal}, duration=duration, dt=dt, statistics=statistics)


def run(sim, key=0):
    results = jn.simulate(sim, key=key)
    steps = round(sim.duration / sim.dt)
    return np.asarray(jn.statistics.unpack(results["raster"], steps)), results["trace"]


def loop(current, *, dt, tau_mem, tau_adapt, jump, v_threshold, v_reset, refractory, subtract=False):
    """One neuron in double precision, written from the equations."""
    v, lift, held, spikes, seen = 0.0, 0.0, 0, [], []
    for i in current:
        lift *= np.exp(-dt / tau_adapt)
        if held:
            held -= 1
            fired = False
        else:
            v = i + (v - i) * np.exp(-dt / tau_mem)
            fired = v >= v_threshold + lift
        seen.append((v, v_threshold + lift))
        if fired:
            v = v - (v_threshold + lift - v_reset) if subtract else v_reset
            lift += jump
            held = int(np.floor(refractory / dt + 0.5))
        spikes.append(fired)
    return np.array(spikes), np.array(seen)


@pytest.mark.parametrize(("dt", "subtract"), [(0.1, False), (0.25, True)])
def test_it_is_what_its_equations_say(dt, subtract):
    steps = round(200.0 / dt)
    current = 1.4 + 0.8 * np.sin(np.arange(steps) * dt / 17.0)
    given = {"tau_mem": 12.0, "tau_adapt": 45.0, "jump": 0.17, "v_threshold": 1.0, "v_reset": -0.3, "refractory": 1.5}
    reset = jn.neurons.ResetBySubtraction() if subtract else jn.neurons.ResetToValue()
    neuron = jn.neurons.AdaptiveLIF(2, **given, reset=reset)
    spikes, trace = run(simulation(neuron, jn.coding.TimeSeries(current), dt=dt, duration=200.0))
    expected, seen = loop(current, dt=dt, subtract=subtract, **given)
    assert expected.sum() > 5
    np.testing.assert_array_equal(spikes[:, 1], expected)
    np.testing.assert_allclose(trace.v[:, 1], seen[:, 0], atol=2e-5)
    np.testing.assert_allclose(trace.threshold[:, 1], seen[:, 1], atol=2e-5)


@pytest.mark.slow
def test_without_a_jump_it_is_the_neuron_without_adaptation_to_the_bit():
    noise = {
        "membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1), correlation=jn.noise.SharedFraction(0.3)),
        "slow": jn.noise.CurrentNoise(jn.noise.PerStep(0.2), colour=jn.noise.OrnsteinUhlenbeck(5.0)),
    }
    options = {"tau_mem": 15.0, "refractory": 2.0, "v_reset": -0.2}
    both = [jn.neurons.AdaptiveLIF(20, jump=0.0, **options), jn.neurons.LIF(20, **options)]
    sims = [simulation(n, jn.coding.Constant(1.2), dt=0.25, duration=100.0, noise=noise) for n in both]
    (spikes, trace), (others, other) = (run(sim) for sim in sims)
    assert spikes.sum() > 20
    np.testing.assert_array_equal(spikes, others)
    np.testing.assert_array_equal(trace.v, other.v)


def test_a_regular_train_meets_the_threshold_of_the_closed_form():
    dt, tau, jump = 0.1, 80.0, 0.05
    neuron = jn.neurons.AdaptiveLIF(1, tau_mem=20.0, tau_adapt=tau, jump=jump)
    spikes, trace = run(simulation(neuron, jn.coding.Constant(2.0), dt=dt, duration=1500.0))
    times = np.flatnonzero(spikes[:, 0])[-20:]
    interval = np.diff(times).mean() * dt
    lifted = np.asarray(trace.threshold)[times[1:], 0] - 1.0
    assert np.ptp(np.diff(times)) <= 1
    np.testing.assert_allclose(lifted, jump / np.expm1(interval / tau), rtol=0.02)  # intervals are whole steps


def test_the_adaptation_is_held_to_its_decay_over_many_steps():
    dt, tau = 0.1, 1e4  # what is left after a step is 0.99999: as a factor it would be rounded
    law = {"lift": jn.laws.Fixed(1.0)}
    neuron = jn.neurons.AdaptiveLIF(1, tau_adapt=tau)
    _, trace = run(simulation(neuron, jn.coding.Constant(0.0), dt=dt, duration=2000.0, initial=law))
    assert abs(float(trace.threshold[-1, 0]) - 1.0 - np.exp(-2000.0 / tau)) < 2e-5


@pytest.mark.slow
def test_it_is_trained_inside_its_ranges():
    sim = simulation(jn.neurons.AdaptiveLIF(3), jn.coding.Constant(2.5), dt=1.0, duration=60.0)
    parameters = chosen(sim, [f"{CELL}.tau_adapt", f"{CELL}.jump"])
    assert [type(t) for t in parameters.transforms] == [transforms.Positive] * 2

    def loss(free):
        statistics = {"count": jn.statistics.SpikeCount()}
        count = jn.simulate(parameters.insert(sim, free), key=0, statistics=statistics)["count"]
        return jnp.sum(jnp.square(count - 1.0))

    free = parameters.free(sim)
    step = jax.jit(jax.value_and_grad(loss))
    before, _ = step(free)
    for _ in range(20):
        after, slopes = step(free)
        free = {k: free[k] - 0.02 * slopes[k] for k in free}
    assert all(np.isfinite(leaf).all() for leaf in slopes.values())
    trained = parameters.insert(sim, free)
    assert (np.asarray(paths.get(trained, f"{CELL}.jump")) > 0.1).all()  # fewer spikes ask for more adaptation
    assert after < before
    jn.simulate(trained, key=0)
