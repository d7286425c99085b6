"""One network by ``jn.simulate``, as a user calls it; and what two trials, or a gradient, of the same network take."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from experiments.bench.networks import Brunel, Sparse

from . import Program


def load() -> Any:
    """The package, with what a run needs (names are loaded when first used)."""
    jn = importlib.import_module("jaxsnn_noise")
    for name in ("simulate", "Simulation", "neurons", "noise", "synapses", "coding", "statistics", "laws"):
        getattr(jn, name)
    return jn


def sparse(problem: Sparse, data: dict[str, np.ndarray]) -> Program:
    """A projection of single synapses."""
    return _simulated(simulation(problem, data))


def dense(problem: Sparse, data: dict[str, np.ndarray]) -> Program:
    """A projection that is a matrix."""
    return _simulated(simulation(problem, data, dense=True))


def pair(problem: Sparse, data: dict[str, np.ndarray]) -> Program:
    """Two trials in one chunk; the rate is that of the first."""
    return _pair(problem, data, dense=False)


def dense_pair(problem: Sparse, data: dict[str, np.ndarray]) -> Program:
    """The same with a matrix."""
    return _pair(problem, data, dense=True)


def gradient(problem: Sparse, data: dict[str, np.ndarray]) -> Program:
    """Counts, and the derivative of the mean rate with respect to every weight."""
    return _gradient(problem, data, dense=False)


def dense_gradient(problem: Sparse, data: dict[str, np.ndarray]) -> Program:
    """The same with a matrix."""
    return _gradient(problem, data, dense=True)


def brunel(problem: Brunel, data: dict[str, np.ndarray]) -> Program:
    """One population with a projection of either kind of source."""
    jn = load()
    noise = {
        "outside": jn.noise.PoissonBackground(problem.outside_hz, _charge(problem, problem.weight), problem.outside)
    }
    start = {"v": jn.laws.UniformBetween(0.0, problem.threshold)}
    network = jn.Network({"cells": jn.Population(_cells(problem), noise=noise, initial=start)}, drawn(problem, data))
    return _simulated(
        jn.Simulation(
            network,
            duration=problem.steps * problem.dt,
            warmup=problem.warm * problem.dt,
            dt=problem.dt,
            statistics={"spikes": jn.statistics.SpikeCount()},
        )
    )


def drawn(problem: Brunel, data: dict[str, np.ndarray]) -> dict[str, Any]:
    """The projections of ``brunel``, one graph after the other: what the drawing of the first took is free by then."""
    jn, size = load(), problem.neurons
    found = {}
    for name, first, sources, degree, weight in problem.kinds:
        key = jn.random.stream(jn.random.root(int(data["graph"])), name)
        graph = jn.synapses.FixedInDegree(degree).draw(key, (size, sources))
        found[name] = jn.synapses.Sparse(
            "cells",
            "cells",
            size=(size, size),
            rows=graph.rows,
            columns=graph.columns + first,
            weights=_charge(problem, weight),
            kinetics=jn.synapses.Delta(),
            delay=problem.delay,
        )
    return found


def simulation(problem: Sparse, data: dict[str, np.ndarray], dense: bool = False) -> Any:
    """The network of ``sparse`` as a Simulation."""
    jn = load()
    weights = np.asarray(_charge(problem, data["weights"]), np.float32)
    options = {"kinetics": jn.synapses.Delta(), "delay": problem.delay}
    kind = jn.synapses.Dense if dense else jn.synapses.Sparse.from_dense
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(problem.sigma))}
    network = jn.Network(
        {"cells": jn.Population(_cells(problem), noise=noise)},
        {"recurrent": kind("cells", "cells", weights, **options)},
    )
    return jn.Simulation(
        network,
        {"cells": jn.coding.Constant(problem.drive)},
        duration=problem.steps * problem.dt,
        dt=problem.dt,
        statistics={"spikes": jn.statistics.SpikeCount()},
    )


def _cells(problem: Sparse | Brunel) -> Any:
    return load().neurons.LIF(
        problem.neurons,
        tau_mem=problem.tau,
        v_threshold=problem.threshold,
        v_reset=problem.reset,
        refractory=problem.refractory,
    )


def _charge(problem: Sparse | Brunel, jump: Any) -> Any:
    """The charge [nA ms] that, held over a step, moves the membrane by ``jump`` [mV] at its end."""
    return jump * (problem.dt / (1 - problem.decay))


def _simulated(sim: Any) -> Program:
    jn = load()
    return Program(lambda seed: np.asarray(jn.simulate(sim, key=seed)["spikes"]))


def _pair(problem: Sparse, data: dict[str, np.ndarray], dense: bool) -> Program:
    jn, sim = load(), simulation(problem, data, dense)

    def run(seed: int) -> np.ndarray:
        return jn.monte_carlo(sim, [jn.Trials(2)], key=seed, chunk=2, workers=1, progress=False)["spikes"].values

    return Program(run, lambda counts: counts[0])


def _gradient(problem: Sparse, data: dict[str, np.ndarray], dense: bool) -> Program:
    jax, eqx = (importlib.import_module(name) for name in ("jax", "equinox"))
    jn, sim = load(), simulation(problem, data, dense)

    @eqx.filter_jit
    def both(weights: Any, sim: Any, seed: Any) -> Any:
        def rate(weights: Any) -> Any:
            changed = jn.paths.replace(sim, {"network.recurrent.weights": weights})
            counts = jn.simulate(changed, key=jax.random.key(seed), backend=jn.Scan(checkpoint=True))["spikes"]
            return counts.mean(), counts

        return jax.value_and_grad(rate, has_aux=True)(weights)

    def run(seed: int) -> np.ndarray:
        weights = jn.paths.get(sim, "network.recurrent.weights")
        (_, counts), slopes = both(weights, sim, np.uint32(seed))
        slopes.block_until_ready()
        return np.asarray(counts)

    return Program(run)


PROGRAMS = {
    "sparse": sparse,
    "dense": dense,
    "pair": pair,
    "dense_pair": dense_pair,
    "gradient": gradient,
    "dense_gradient": dense_gradient,
    "brunel": brunel,
}
