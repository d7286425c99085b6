"""Deep networks: with ``delay=0.0`` a spike passes all layers in its own step, forward and backward."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn

LAYERS, WIDTH, STEPS = 6, 24, 4
NAMES = ["input", *(f"layer_{i}" for i in range(1, LAYERS + 1)), "output"]


def deep(delay: float | None = 0.0, *, noise: Any = None) -> jn.Simulation:
    """Six hidden layers and a readout; a fixed sample of an analog input, weights by a fixed law."""
    rng = np.random.default_rng(0)
    populations: dict[str, Any] = {
        "input": jn.Port(WIDTH),
        "output": jn.Population(jn.neurons.LeakyIntegrator(5, tau_mem=4.0)),
    }
    populations |= {n: jn.Population(jn.neurons.LIF(WIDTH, tau_mem=4.0), noise=noise) for n in NAMES[1:-1]}
    projections = {}
    for source, target in itertools.pairwise(NAMES):
        size = 5 if target == "output" else WIDTH
        weights = rng.normal(0.8, 2.5, (size, WIDTH))
        projections[f"{source}_to_{target}"] = jn.synapses.Dense(source, target, weights, delay=delay)
    network = jn.Network(populations, projections)
    counts = {n: jn.statistics.SpikeCount(population=n) for n in NAMES[1:-1]}
    statistics = counts | {"readout": jn.statistics.Mean("v", population="output")}
    signal = {"input": jn.coding.Constant(rng.random(WIDTH))}
    return jn.Simulation(network, signal, duration=float(STEPS), dt=1.0, statistics=statistics)


@pytest.mark.slow
@pytest.mark.parametrize(
    "schedule", [jn.ByStep(), pytest.param(jn.ByComponent(), marks=pytest.mark.slow)], ids=lambda s: type(s).__name__
)
def test_every_layer_fires_and_gets_a_gradient(schedule: jn.ByStep) -> None:
    sim, backend = deep(), jn.Scan(schedule=schedule)
    results = jn.simulate(sim, key=0, backend=backend)
    for name in NAMES[1:-1]:
        assert float(results[name].sum()) > 0, name
    paths = [f"network.{a}_to_{b}.weights" for a, b in itertools.pairwise(NAMES)]

    def loss(weights: list[Any]) -> Any:
        changed = jn.paths.replace(sim, dict(zip(paths, weights, strict=True)))
        return (jn.simulate(changed, key=0, backend=backend)["readout"] * jnp.arange(5.0)).sum()

    slopes = jax.grad(loss)([jn.paths.get(sim, path) for path in paths])
    for path, slope in zip(paths, slopes, strict=True):
        assert np.isfinite(slope).all(), path
        assert np.abs(slope).max() > 0, path


def test_a_step_for_each_layer_leaves_the_last_ones_silent() -> None:
    """The negative control: what the default delay does to as many layers as steps."""
    results = jn.simulate(deep(None), key=0)
    fired = [float(results[name].sum()) > 0 for name in NAMES[1:-1]]
    assert fired == [True, True, True, True, False, False]


@pytest.mark.slow
def test_schedules_give_the_same_spikes_with_noise() -> None:
    noise = {"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.3))}
    sim = deep(noise=noise)
    a, b = (jn.simulate(sim, key=1, backend=jn.Scan(schedule=s)) for s in (jn.ByStep(), jn.ByComponent()))
    assert sum(float(a[name].sum()) for name in NAMES[1:-1]) > 50
    for name in NAMES[1:-1]:
        np.testing.assert_array_equal(a[name], b[name])


def test_populations_advance_in_the_order_of_what_flows_and_not_of_names() -> None:
    one = lambda: jn.Population(jn.neurons.LIF(1, tau_mem=1.0))  # noqa: E731
    kick = {"kinetics": jn.synapses.Delta(), "delay": 0.0}
    dense = jn.synapses.Dense
    projections = {
        "p": dense("port", "c", [[50.0]], kinetics=jn.synapses.Delta()),
        "q": dense("c", "a", [[50.0]], **kick),
        "r": dense("a", "b", [[50.0]], **kick),
    }
    train = np.zeros((6, 1))
    train[2] = 1
    network = jn.Network({"port": jn.Port(1), "a": one(), "b": one(), "c": one()}, projections)
    assert network.order() == ["c", "a", "b"]
    rasters = {n: jn.statistics.Trace(("spikes",), population=n) for n in "abc"}
    signal = {"port": jn.coding.SpikeTrain(train)}
    sim = jn.Simulation(network, signal, duration=6.0, dt=1.0, statistics=rasters)
    for schedule in (jn.ByStep(), jn.ByComponent()):
        results = jn.simulate(sim, key=0, backend=jn.Scan(schedule=schedule))
        assert all(np.flatnonzero(results[n].spikes).tolist() == [2] for n in "abc")


def test_a_cycle_without_delay_is_refused_and_named() -> None:
    cells = {n: jn.Population(jn.neurons.LIF(2)) for n in "abcd"}
    dense = jn.synapses.Dense
    edges = {"ab": ("a", "b", 0.0), "bc": ("b", "c", 0.0), "ca": ("c", "a", 0.0), "cd": ("c", "d", 0.0)}
    make = lambda edges: jn.Network(cells, {k: dense(s, t, np.eye(2), delay=d) for k, (s, t, d) in edges.items()})  # noqa: E731
    with pytest.raises(jn.InputError, match=r"must form no cycle.*'a -> ab -> b -> bc -> c -> ca -> a'"):
        make(edges)
    assert make(edges | {"ca": ("c", "a", 1.0)}).order() == ["a", "b", "c", "d"]
