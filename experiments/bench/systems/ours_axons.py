"""W5 by ``jn.simulate``, as a user calls it."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from experiments.bench.axons import Axons

from . import Program


def load() -> Any:
    """The package, with what a run needs (names are loaded when first used)."""
    jn = importlib.import_module("jaxsnn_noise")
    for name in ("simulate", "Simulation", "neurons", "coding", "statistics"):
        getattr(jn, name)
    return jn


def w5(problem: Axons, data: dict[str, np.ndarray], scheme: str = "TransitionLangevin") -> Program:
    """Spike counts [neuron]."""
    del data  # rest is known
    jn = load()
    made = getattr(jn.neurons.channels, scheme)()
    axon = jn.neurons.HodgkinHuxley(problem.neurons, area=problem.area, channels=made)
    sim = jn.Simulation(
        jn.Network({"axons": jn.Population(axon)}),
        {"axons": jn.coding.Constant(axon.current(problem.drive))},
        duration=problem.steps * problem.dt,
        dt=problem.dt,
        statistics={"spikes": jn.statistics.SpikeCount()},
    )
    return Program(lambda seed: np.asarray(jn.simulate(sim, key=seed)["spikes"]))


PROGRAMS = {"w5": w5}
