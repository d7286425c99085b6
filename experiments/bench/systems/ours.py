"""jaxsnn_noise as a user calls it: ``monte_carlo`` with its labelled result, and ``training.fit``."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from experiments.bench.workloads import MonteCarlo, Training

from . import Program


def load() -> Any:
    """The package, with what a study needs (names are loaded when first used)."""
    jn = importlib.import_module("jaxsnn_noise")
    for name in ("monte_carlo", "Trials", "Simulation", "neurons", "noise", "synapses", "coding", "statistics"):
        getattr(jn, name)
    return jn


def counts(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts only, on the default path."""
    jn = load()
    return Program(_study(problem, data, jn.statistics.SpikeCount()), lambda ds: ds["spikes"].values)


def raster(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Every spike of every trial is kept, one bit each."""
    jn = load()
    unpacked = lambda ds: np.unpackbits(ds["spikes"].values, axis=1, count=problem.steps, bitorder="little")  # noqa: E731
    outcome = lambda ds: np.stack([unpacked(ds.isel(trial=slice(i, i + 1))).sum((0, 1)) for i in range(len(ds.trial))])  # noqa: E731
    return Program(_study(problem, data, jn.statistics.Raster()), outcome)


def pinned(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts with the same bits of every voltage in any program."""
    jn = load()
    run = _study(problem, data, jn.statistics.SpikeCount(), backend=jn.Scan(pinned=True))
    return Program(run, lambda ds: ds["spikes"].values)


def fit(problem: Training, data: dict[str, np.ndarray]) -> Program:
    """Training by ``training.fit``, from the first weights to the trained simulation."""
    training = importlib.import_module("jaxsnn_noise.training")
    loss = training.losses.CrossEntropy("output")
    optimiser = importlib.import_module("optax").adam(problem.rate)

    def run(seed: int) -> Any:
        return training.fit(
            shown(problem, data),
            (data["images"], data["labels"]),
            key=seed,
            loss=loss,
            optimiser=optimiser,
            epochs=problem.epochs,
            batch_size=problem.batch,
            progress=False,
            check_start=False,
        )

    def outcome(fitted: Any) -> tuple[np.ndarray, np.ndarray]:
        projections = fitted.sim.network.projections
        return np.asarray(projections["first"].weights), np.asarray(projections["second"].weights)

    return Program(run, outcome)


def sparse(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts only, with a projection of single synapses."""
    jn = load()
    return Program(_study(problem, data, jn.statistics.SpikeCount(), sparse=True), lambda ds: ds["spikes"].values)


def simulation(problem: MonteCarlo, data: dict[str, np.ndarray], sparse: bool = False) -> Any:
    """W1 as a Simulation without statistics."""
    jn = load()
    cells = jn.Population(
        jn.neurons.LIF(problem.neurons, tau_mem=-1 / math.log(problem.decay)),
        noise={"membrane": jn.noise.VoltageNoise(jn.noise.PerStep(problem.sigma))},
    )
    kind = jn.synapses.Sparse.from_dense if sparse else jn.synapses.Dense
    recurrent = kind("cells", "cells", data["weights"])
    network = jn.Network({"cells": cells}, projections={"recurrent": recurrent})
    inputs = {"cells": jn.coding.Constant(problem.drive)}
    return jn.Simulation(network, inputs, duration=float(problem.steps), dt=1.0)


def _study(
    problem: MonteCarlo, data: dict[str, np.ndarray], statistic: Any, sparse: bool = False, **options: Any
) -> Any:
    jn, sim = load(), simulation(problem, data, sparse)

    def run(seed: int) -> Any:
        statistics = {"spikes": statistic}
        return jn.monte_carlo(
            sim, [jn.Trials(problem.trials)], key=seed, statistics=statistics, progress=False, **options
        )

    return run


def _layers(problem: Training, data: dict[str, np.ndarray]) -> Any:
    jn = load()
    firing = jn.HardThreshold(jn.surrogates.SuperSpike(problem.sharpness))
    tau = -1 / math.log(problem.decay)

    def layer(size: int) -> Any:
        # with this resistance the exact step reads v <- decay v + I
        return jn.Population(
            jn.neurons.LIF(
                size, tau_mem=tau, resistance=1 / (1 - problem.decay), reset=jn.neurons.ResetToValue(detach=True)
            ),
            firing=firing,
        )

    populations = {"input": jn.Port(problem.inputs), "hidden": layer(problem.hidden), "output": layer(problem.outputs)}
    projections = {
        "first": jn.synapses.Dense("input", "hidden", data["first"]),
        "second": jn.synapses.Dense("hidden", "output", data["second"]),
    }
    return jn.Network(populations, projections=projections)


def shown(problem: Training, data: dict[str, np.ndarray]) -> Any:
    """The simulation of W2 with its first weights, which waits for images."""
    jn, network = load(), _layers(problem, data)
    inputs = {"input": jn.coding.Constant(np.zeros(problem.inputs, np.float32))}
    return jn.Simulation(network, inputs, duration=float(problem.steps), dt=1.0)


PROGRAMS = {"counts": counts, "sparse": sparse, "raster": raster, "pinned": pinned, "fit": fit}
