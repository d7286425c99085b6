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
from helpers.discovery import label, members
from helpers.plain_loop import PlainLoop
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.member import measured, planned
from jaxsnn_noise.engine.record import Watch
from jaxsnn_noise.synapses import Dense, Exponential, random_weights

slow = pytest.mark.slow
BACKENDS = [
    *(pytest.param(cls.example(), id=label(cls)) for cls in members(Backend)),
    pytest.param(jn.Scan(schedule=jn.ByComponent()), id="Scan by component"),
    pytest.param(jn.Scan(pinned=True), id="Scan pinned", marks=slow),
    pytest.param(jn.Scan(checkpoint=True), id="Scan with checkpoints", marks=slow),
    pytest.param(jn.Scan(schedule=jn.ByComponent(), pinned=True), id="Scan by component, pinned", marks=slow),
]
each = pytest.mark.parametrize("backend", BACKENDS)
ROOT, ADDRESS = jn.random.root(5), jn.Address.of({"trial": 1})
WARM, MEASURED = 1, 4


def layers() -> jn.Simulation:
    """A random port with two delays, two layers, delays of 0 to 2 steps, release noise with a memory."""
    slow = {"colour": jn.noise.OrnsteinUhlenbeck(4.0)}
    release = jn.noise.ReleaseNoise(jn.noise.PerStep(0.2), **slow)
    network = jn.Network(
        {
            "port": jn.Port(6),
            "first": jn.Population(jn.neurons.LIF(8, tau_mem=4.0)),
            "second": jn.Population(jn.neurons.LIF(5, tau_mem=4.0)),
        },
        {
            "feed": Dense("port", "first", 6.0 * np.eye(8, 6) + 0.7, delay=1.0, noise={"r": release}),
            "past": Dense("port", "second", np.full((5, 6), 0.5), delay=2.0),
            "loop": Dense("first", "first", random_weights(shape=(8, 8), probability=0.5, std=0.3, key=1)),
            "fast": Dense("first", "second", np.linspace(0.1, 1.5, 40).reshape(5, 8), delay=0.0),
            "slow": Dense("first", "second", np.full((5, 8), 0.3), delay=2.0, kinetics=Exponential(3.0)),
        },
    )
    moving = jn.coding.Fluctuating(0.1, jn.noise.CurrentNoise(jn.noise.PerStep(0.2), **slow), to="port")
    inputs = {"port": jn.coding.PoissonSpikes(300.0), "more": moving, "bias": jn.coding.Constant(0.2, to="second")}
    shown = ("v", "spikes")
    statistics: dict[str, Any] = {k: jn.statistics.Trace(shown, population=k) for k in ("first", "second")}
    statistics["rate"] = jn.statistics.Rate(population="second")
    times = {"duration": float(MEASURED), "warmup": float(WARM), "dt": 1.0}
    return jn.Simulation(network, inputs, statistics=statistics, **times)


@functools.cache
def reference() -> tuple[dict[str, Any], Any]:
    """Results and last carry of the plain loop."""
    results, carry = jax.jit(lambda root: measured(PlainLoop(), layers(), root, ADDRESS))(ROOT)
    assert 5 < results["first"].spikes.sum() < 30
    assert 3 < results["second"].spikes.sum() < 18
    return results, carry


def agree(ours: Any, wanted: Any) -> None:
    assert jax.tree.structure(ours) == jax.tree.structure(wanted)
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_scan_is_found() -> None:
    assert jn.Scan in members(Backend)


@pytest.mark.slow
@each
def test_a_member_of_a_batch_has_the_spikes_of_the_plain_loop_and_its_carry(backend: Backend) -> None:
    """A warm-up of odd length is a seam of two stretches."""
    trials = jnp.arange(2, dtype=jnp.uint32)
    run = lambda trial: measured(backend, layers(), ROOT, jn.Address.of({"trial": trial}))  # noqa: E731
    results, carry = jax.tree.map(lambda x: x[1], jax.jit(jax.vmap(run))(trials))
    for name in ("first", "second"):
        np.testing.assert_array_equal(results[name].spikes, reference()[0][name].spikes)
    agree(results, reference()[0])
    agree(carry, reference()[1])


@pytest.mark.slow
@each
def test_it_goes_on_from_a_stretch_shorter_and_one_longer_than_a_delay(backend: Backend) -> None:
    state = jn.start(layers(), key=5, address=ADDRESS)
    state, _ = jn.advance(layers(), state, float(WARM), backend=backend)
    state, results = jn.advance(layers(), state, float(MEASURED), backend=backend)
    for name in ("first", "second"):
        np.testing.assert_array_equal(results[name].spikes, reference()[0][name].spikes)
    agree(state.carry, reference()[1])


def test_statistics_keep_their_structure_and_are_chosen_by_population() -> None:
    cells = {k: jn.Population(jn.neurons.LIF(2)) for k in ("a", "b")}
    counts = {f"count_{k}": jn.statistics.SpikeCount(population=k) for k in cells}
    sim = jn.Simulation(jn.Network(cells), duration=2.0, dt=1.0, statistics=counts)

    plan = planned(sim, ROOT, ADDRESS)
    a, b = (Watch.starting(plan, [name], 2, 0) for name in counts)
    assert jax.tree.structure(a.having(a.accumulators)) == jax.tree.structure(a)
    assert list(a.joined(b).of(["b"]).statistics) == ["count_b"]
    assert list(a.joined(b).of(["a", "b"]).accumulators) == ["count_a", "count_b"]


def test_a_backend_that_does_not_support_a_simulation_is_refused_with_its_reason() -> None:
    sim, short = layers(), PlainLoop(longest=3)
    reason = r"backend: does not support this simulation: \d+ steps in Python take too long, 3 at most; got 'PlainLoop'"
    calls = (
        lambda: jn.simulate(sim, key=0, backend=short),
        lambda: jn.start(sim, key=0, backend=short),
        lambda: jn.advance(sim, jn.start(sim, key=0), 1.0, backend=short),
        lambda: jn.monte_carlo(sim, [jn.Trials(2)], key=0, backend=short, progress=False),
        lambda: jn.apply(sim.network, np.zeros((2, 6)), key=0, backend=short, inputs={"b": jn.coding.Constant(0.1, to="second")}, statistics=sim.statistics),
        lambda: jn.training.fit(
            sim, (np.zeros((2, 6)), np.zeros(2, int)), key=0, shown="port", batch_size=2, backend=short, progress=False,
            loss=jn.training.losses.CrossEntropy("second"),
        ),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(jn.InputError, match=reason):
            call()
