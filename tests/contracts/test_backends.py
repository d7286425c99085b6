"""Laws that every backend keeps: the spikes of a plain loop over ``step``. New members are found by themselves.

Which simulations they are held to is a table here; a member that does not support one says so.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import members
from helpers.plain_loop import PlainLoop
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.member import begin, measured, planned
from jaxsnn_noise.engine.record import Watch
from jaxsnn_noise.synapses import Dense, Exponential, random_weights

VARIANTS = [jn.Scan(schedule=jn.ByComponent()), jn.Scan(pinned=True), jn.Scan(checkpoint=True)]
BACKENDS = [cls.example() for cls in members(Backend)] + VARIANTS
each = pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: f"{type(b).__name__}-{BACKENDS.index(b)}")
ROOT, ADDRESS = jn.random.root(5), jn.Address.of({"trial": 2, "device": 1})


def layers() -> jn.Simulation:
    """A noisy port, two layers with a loop, delays of 0 to 4 steps, coloured release noise, a readout, imperfections."""
    slow = jn.noise.OrnsteinUhlenbeck(4.0)
    network = jn.Network(
        {
            "port": jn.Port(6),
            "first": jn.Population(jn.neurons.LIF(8, tau_mem=4.0, refractory=1.0), noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))}),
            "second": jn.Population(jn.neurons.LIF(5, tau_mem=4.0), firing=jn.NoisyThreshold(0.1)),
            "readout": jn.Population(jn.neurons.LeakyIntegrator(2)),
        },
        {
            "feed": Dense("port", "first", 2.0 * np.eye(8, 6), delay=2.0, noise={"r": jn.noise.ReleaseNoise(jn.noise.PerStep(0.2), colour=slow)}),
            "past": Dense("port", "second", np.full((5, 6), 0.3), delay=4.0),
            "loop": Dense("first", "first", random_weights(shape=(8, 8), probability=0.5, std=0.3, key=1)),
            "fast": Dense("first", "second", np.full((5, 8), 0.3), delay=0.0),
            "slow": Dense("first", "second", np.full((5, 8), 0.2), delay=3.0, kinetics=Exponential(3.0)),
            "read": Dense("second", "readout", np.ones((2, 5))),
        },
    )  # fmt: skip
    inputs = {
        "port": jn.coding.PoissonSpikes(300.0),
        "more": jn.coding.Fluctuating(0.1, jn.noise.CurrentNoise(jn.noise.PerStep(0.1), colour=slow), to="port"),
        "bias": jn.coding.Constant(0.2, to="second"),
    }
    statistics = {
        "first": jn.statistics.Raster(population="first"), "second": jn.statistics.Raster(population="second"),
        "v": jn.statistics.Trace(("v",), population="readout"), "rate": jn.statistics.Rate(population="second"),
    }  # fmt: skip
    chips = {"tau": jn.hardware.Mismatch("network.first.neuron.tau_mem", jn.laws.LogNormal(0.1), per="neuron")}
    return jn.Simulation(network, inputs, duration=12.0, dt=1.0, warmup=3.0, statistics=statistics, imperfections=chips)


@functools.cache
def reference() -> tuple[dict[str, Any], Any]:
    """Results and last carry of the plain loop."""
    return jax.jit(lambda root: measured(PlainLoop(), layers(), root, ADDRESS))(ROOT)


def same_spikes(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for name in ("first", "second"):
        np.testing.assert_array_equal(found[name], wanted[name])
        assert 3 < np.unpackbits(np.asarray(wanted[name])).sum() < 90
    np.testing.assert_array_equal(found["rate"], wanted["rate"])
    np.testing.assert_allclose(found["v"].v, wanted["v"].v, atol=1e-5)


def test_the_scan_is_found() -> None:
    assert jn.Scan in members(Backend)


@each
def test_it_has_the_spikes_of_the_plain_loop_and_leaves_its_carry(backend: Backend) -> None:
    """A warm-up of odd length is a seam of two stretches."""
    results, carry = jax.jit(lambda root: measured(backend, layers(), root, ADDRESS))(ROOT)
    same_spikes(results, reference()[0])
    assert jax.tree.structure(carry) == jax.tree.structure(reference()[1])
    for ours, theirs in zip(jax.tree.leaves(carry), jax.tree.leaves(reference()[1]), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@each
def test_it_goes_on_from_any_stretch_of_another_backend(backend: Backend) -> None:
    """Of one step, of less and of more than a delay; what it returns has the structure of what it got."""
    sim, other = layers(), jn.Scan()
    state = jn.start(sim, key=5, address=ADDRESS)
    rasters: dict[str, list[np.ndarray]] = {"first": [], "second": []}
    for steps, runs in ((2, backend), (1, other), (1, backend), (5, backend), (6, backend)):
        before = jax.tree.structure(state.carry)
        state, results = jn.advance(sim, state, float(steps), backend=runs)
        assert jax.tree.structure(state.carry) == before
        for name, rows in rasters.items():
            rows.append(np.unpackbits(np.asarray(results[name]), axis=0, count=steps, bitorder="little"))
    for name, rows in rasters.items():
        wanted = np.unpackbits(np.asarray(reference()[0][name]), axis=0, count=12, bitorder="little")
        np.testing.assert_array_equal(np.concatenate(rows)[3:], wanted)


@each
def test_it_is_batched_from_outside(backend: Backend) -> None:
    trials = jnp.arange(3, dtype=jnp.uint32)
    run = lambda trial: measured(backend, layers(), ROOT, jn.Address.of({"trial": trial, "device": 1}))[0]  # noqa: E731
    batch = jax.jit(jax.vmap(run))(trials)
    same_spikes(jax.tree.map(lambda x: x[2], batch), reference()[0])


def test_statistics_see_their_own_steps_and_keep_their_structure() -> None:
    plan = planned(layers(), ROOT, ADDRESS)
    watch = Watch.starting(plan, ["rate"], 12, 3)
    assert jax.tree.structure(watch.having(watch.accumulators)) == jax.tree.structure(watch)
    assert list(watch.joined(Watch.starting(plan, ["first"], 12, 3)).of(["first"]).statistics) == ["first"]
    assert set(begin(plan).lines) == {"port", "first"} | {"second"}


def test_a_backend_that_does_not_support_a_simulation_is_refused_with_its_reason() -> None:
    sim, short = layers(), PlainLoop(longest=10)
    reason = r"backend: does not support this simulation: 15 steps in Python take too long, 10 at most; got 'PlainLoop'"
    calls = (
        lambda: jn.simulate(sim, key=0, backend=short),
        lambda: jn.start(sim, key=0, backend=short),
        lambda: jn.advance(sim, jn.start(sim, key=0), 1.0, backend=short),
        lambda: jn.monte_carlo(sim, [jn.Trials(2)], key=0, backend=short, progress=False),
        lambda: jn.apply(sim.network, np.zeros((2, 6)), key=0, backend=short, statistics=sim.statistics),
        lambda: jn.training.fit(
            sim, (np.zeros((2, 6)), np.zeros(2)), key=0, shown="port", batch_size=2, backend=short, progress=False,
            loss=jn.training.losses.CrossEntropy("readout"),
        ),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(jn.InputError, match=reason.replace("15", r"\d+")):
            call()
